-- The factory's state. History is appended: rows of these tables are never changed or removed, which triggers see to, also
-- for the owner. What something is now is a view over its history, or a projection that is kept by a trigger and can be
-- made anew from it.

create function casemate.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'rows of %.% are never changed or removed', tg_table_schema, tg_table_name using errcode = 'raise_exception';
end $$;

create table casemate.event (
  id bigint generated always as identity primary key,
  kind text not null,
  subject text not null,
  -- The same thing noticed twice, by two processes or after a restart, has the same key.
  key text not null unique,
  payload jsonb not null,
  seen timestamptz(3) not null,
  recorded timestamptz(3) not null default clock_timestamp()
);

create table casemate.plan (
  id bigint generated always as identity primary key,
  digest text not null unique,
  made timestamptz(3) not null
);
create table casemate.plan_event (
  plan bigint not null references casemate.plan,
  event bigint not null references casemate.event,
  primary key (plan, event)
);
create index on casemate.plan_event (event);
create table casemate.plan_image (
  plan bigint not null references casemate.plan,
  position integer not null,
  image text not null,
  -- Null for an image that is to be rebuilt; otherwise who or what holds it.
  held jsonb,
  after text[] not null,
  reasons jsonb not null,
  primary key (plan, position),
  unique (plan, image)
);
create index on casemate.plan_image (image, plan);

create table casemate.run (
  id bigint generated always as identity primary key,
  plan bigint not null references casemate.plan,
  started timestamptz(3) not null
);
create index on casemate.run (plan);
create table casemate.stage_record (
  id bigint generated always as identity primary key,
  run bigint not null references casemate.run,
  image text not null,
  stage text not null check (stage in ('lock', 'build', 'test', 'gate', 'publish')),
  input text not null,
  attempt integer not null check (attempt > 0),
  state text not null check (state in ('started', 'done', 'failed', 'cancelled')),
  output jsonb,
  reason text,
  worker text not null,
  at timestamptz(3) not null,
  unique (run, image, stage, attempt, state),
  check ((reason is not null) = (state in ('failed', 'cancelled'))),
  check (output is null or state = 'done')
);
create index on casemate.stage_record (stage, input) where state = 'done';

-- Exact packages. `source_key` orders as `source_version` does to dpkg.
create table casemate.package_version (
  id integer generated always as identity primary key,
  archive text not null,
  name text not null,
  version text not null,
  architecture text not null,
  source text not null,
  source_version text not null,
  source_key bytea not null,
  unique (archive, name, version, architecture, source, source_version)
);
create index on casemate.package_version (archive, source, source_key);
-- What an image holds on a platform: all of `base`, which has no base itself, without some and with some more.
create table casemate.package_set (
  id integer generated always as identity primary key,
  digest text not null unique,
  base integer references casemate.package_set
);
create index on casemate.package_set (base);
create table casemate.package_set_with (
  set integer not null references casemate.package_set,
  package integer not null references casemate.package_version,
  primary key (set, package)
);
create index on casemate.package_set_with (package, set);
create table casemate.package_set_without (
  set integer not null references casemate.package_set,
  package integer not null references casemate.package_version,
  primary key (package, set)
);
create index on casemate.package_set_without (set);
create view casemate.package_set_member as
  select set, package from casemate.package_set_with
  union all
  select s.id, w.package
  from casemate.package_set s join casemate.package_set_with w on w.set = s.base
  where not exists (select from casemate.package_set_without o where o.set = s.id and o.package = w.package);

create table casemate.release (
  id bigint generated always as identity primary key,
  image text not null,
  variant text not null,
  digest text not null,
  lock text not null,
  tags text[] not null,
  run bigint references casemate.run,
  -- The earlier release whose digest this one gives the tags back to.
  restores bigint references casemate.release,
  evidence jsonb not null,
  released timestamptz(3) not null
);
create index on casemate.release (image, variant, id);
create index on casemate.release (digest);
create table casemate.release_manifest (
  release bigint not null references casemate.release,
  platform text not null,
  digest text not null,
  contents integer not null references casemate.package_set,
  primary key (release, platform)
);
create index on casemate.release_manifest (contents);
-- Projections: the last release of each image and variant, and what it holds. Looking for them among all releases of a
-- year would take seconds, and the question which images a fix concerns has to be answered in milliseconds.
create table casemate.image_head (
  image text not null,
  variant text not null,
  release bigint not null unique references casemate.release,
  primary key (image, variant)
);
create table casemate.head_manifest (
  image text not null,
  variant text not null,
  platform text not null,
  contents integer not null references casemate.package_set,
  -- The base of its contents, or the contents themselves where they have none.
  root integer not null references casemate.package_set,
  primary key (image, variant, platform)
);
create index on casemate.head_manifest (root, variant, platform) include (image, contents);
create index on casemate.head_manifest (contents);
create function casemate.move_head() returns trigger language plpgsql as $$
begin
  insert into casemate.image_head (image, variant, release)
  select image, variant, max(id) from added group by image, variant
  on conflict (image, variant) do update set release = excluded.release where image_head.release < excluded.release;
  -- Only what another release makes way for: one that comes late, behind a higher number, changes nothing.
  delete from casemate.head_manifest m
  using casemate.image_head h join added a on a.id = h.release
  where m.image = h.image and m.variant = h.variant;
  return null;
end $$;
create trigger release_moves_head after insert on casemate.release
  referencing new table as added for each statement execute function casemate.move_head();
create function casemate.fill_head() returns trigger language plpgsql as $$
begin
  insert into casemate.head_manifest (image, variant, platform, contents, root)
  select h.image, h.variant, a.platform, a.contents, coalesce(s.base, s.id)
  from added a
  join casemate.image_head h on h.release = a.release
  join casemate.package_set s on s.id = a.contents;
  return null;
end $$;
create trigger manifest_fills_head after insert on casemate.release_manifest
  referencing new table as added for each statement execute function casemate.fill_head();

-- `image` is null for all images.
create table casemate.hold (
  id bigint generated always as identity primary key,
  image text,
  reason text not null,
  placed_by text not null,
  placed timestamptz(3) not null,
  until timestamptz(3)
);
create table casemate.hold_end (
  hold bigint primary key references casemate.hold,
  ended_by text not null,
  ended timestamptz(3) not null
);
create table casemate.approval (
  id bigint generated always as identity primary key,
  plan bigint not null references casemate.plan,
  image text not null,
  approved boolean not null,
  reason text not null,
  given_by text not null,
  given timestamptz(3) not null
);
create index on casemate.approval (plan, image);

-- When a finding in an image came to a mark of its way. The first word counts.
create table casemate.clock_mark (
  finding text not null,
  image text not null,
  mark text not null,
  at timestamptz(3) not null,
  primary key (finding, image, mark)
);
create index on casemate.clock_mark (image);

-- Hash-chained: `digest` is that of the entry's canonical JSON, in which the digest of the one before stands.
create table casemate.ledger_entry (
  sequence bigint primary key check (sequence > 0),
  at timestamptz(3) not null,
  kind text not null,
  subject text not null,
  body jsonb not null,
  previous text not null unique,
  digest text not null unique
);
create index on casemate.ledger_entry (subject, sequence);
create table casemate.ledger_checkpoint (
  sequence bigint primary key references casemate.ledger_entry,
  digest text not null,
  at timestamptz(3) not null,
  envelope text not null
);

create view casemate.open_event as
  select e.* from casemate.event e
  where not exists (select from casemate.plan_event p where p.event = e.id);
create view casemate.stage_state as
  select distinct on (run, image, stage) * from casemate.stage_record order by run, image, stage, id desc;
create view casemate.open_hold as
  select h.* from casemate.hold h where not exists (select from casemate.hold_end e where e.hold = h.id);

do $$
declare name text;
begin
  foreach name in array array['event', 'plan', 'plan_event', 'plan_image', 'run', 'stage_record', 'package_version',
    'package_set', 'package_set_with', 'package_set_without', 'release', 'release_manifest', 'hold', 'hold_end', 'approval',
    'clock_mark', 'ledger_entry', 'ledger_checkpoint']
  loop
    execute format('create trigger %I before update or delete on casemate.%I for each row execute function casemate.refuse_change()',
      'append_only_' || name, name);
    execute format('create trigger %I before truncate on casemate.%I for each statement execute function casemate.refuse_change()',
      'append_only_truncate_' || name, name);
  end loop;
end $$;
