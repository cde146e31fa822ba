-- Work on runs. A run is cut into batches, which the queue hands to workers; where the images of a run stand follows from
-- these rows and their stages. The queue itself is the library's, in a schema of its own, and may be lost: what was sent and
-- is not done is sent again.

create unique index on casemate.run (plan);

create table casemate.run_batch (
  run bigint not null references casemate.run,
  number integer not null,
  phase text not null check (phase in ('make', 'publish')),
  images text[] not null,
  sent timestamptz(3) not null default clock_timestamp(),
  primary key (run, number)
);
-- An image is handed over once for each phase.
create table casemate.run_batch_image (
  run bigint not null references casemate.run,
  image text not null,
  phase text not null,
  number integer not null,
  primary key (run, image, phase),
  foreign key (run, number) references casemate.run_batch
);
create table casemate.run_image_end (
  run bigint not null references casemate.run,
  image text not null,
  state text not null check (state in ('done', 'failed', 'cancelled')),
  reason text not null,
  at timestamptz(3) not null,
  primary key (run, image)
);
create table casemate.run_end (
  run bigint primary key references casemate.run,
  at timestamptz(3) not null
);
create table casemate.run_cancel (
  run bigint primary key references casemate.run,
  cancelled_by text not null,
  reason text not null,
  at timestamptz(3) not null
);
create index on casemate.stage_record (run, image) where stage = 'gate' and state = 'done';

-- Tags that are about to be moved. One that no release follows was given up, or is still to be carried out.
create table casemate.tag_intent (
  id bigint generated always as identity primary key,
  image text not null,
  variant text not null,
  repository text not null,
  digest text not null,
  tags jsonb not null,
  run bigint references casemate.run,
  restores bigint references casemate.release,
  at timestamptz(3) not null,
  check ((run is null) <> (restores is null))
);
create unique index on casemate.tag_intent (run, image, variant) where run is not null;
create index on casemate.tag_intent (image, variant, id);

create view casemate.open_run as
  select r.* from casemate.run r where not exists (select from casemate.run_end e where e.run = r.id);

do $$
declare name text;
begin
  foreach name in array array['run_batch', 'run_batch_image', 'run_image_end', 'run_end', 'run_cancel', 'tag_intent']
  loop
    execute format('create trigger %I before update or delete on casemate.%I for each row execute function casemate.refuse_change()',
      'append_only_' || name, name);
    execute format('create trigger %I before truncate on casemate.%I for each statement execute function casemate.refuse_change()',
      'append_only_truncate_' || name, name);
  end loop;
end $$;
