-- What watchers have come to, and what is told to others.

-- One row for each thing that is watched: where comparing starts. It is moved on, by whoever read the revision before, in the
-- transaction that records the events of that step; so a step is taken once, and the history of steps is in the events.
create table casemate.watched (
  watch text primary key,
  revision bigint not null check (revision > 0),
  state jsonb not null,
  -- What a list is compared with that is too long for `state`, compressed by whoever watches.
  content bytea,
  moved timestamptz(3) not null
);

-- The outbox: recorded in the transaction of what it tells. Numbers are in the order of commits, because writers wait for each other.
create table casemate.message (
  id bigint generated always as identity primary key,
  kind text not null,
  -- Null for what concerns no image in particular.
  image text,
  owner text,
  severity text,
  title text not null,
  body jsonb not null,
  at timestamptz(3) not null
);
create index on casemate.message (image, id);

-- Who is told, by a name that its address and its rights give; `upto` is the last message that was looked at for it.
create table casemate.subscriber (
  name text primary key,
  since bigint not null,
  upto bigint not null check (upto >= since)
);
-- Messages on their way. A row goes when its message has come to its end, which `delivery` keeps.
create table casemate.undelivered (
  subscriber text not null references casemate.subscriber,
  message bigint not null references casemate.message,
  image text not null,
  attempt integer not null,
  due timestamptz(3) not null,
  primary key (subscriber, message)
);
create index on casemate.undelivered (subscriber, image, message);
create table casemate.delivery (
  id bigint generated always as identity primary key,
  subscriber text not null,
  message bigint not null references casemate.message,
  attempt integer not null check (attempt > 0),
  state text not null check (state in ('delivered', 'failed', 'dead')),
  reason text,
  at timestamptz(3) not null,
  check ((reason is null) = (state = 'delivered'))
);
create index on casemate.delivery (message, subscriber);

do $$
declare name text;
begin
  foreach name in array array['message', 'delivery']
  loop
    execute format('create trigger %I before update or delete on casemate.%I for each row execute function casemate.refuse_change()',
      'append_only_' || name, name);
    execute format('create trigger %I before truncate on casemate.%I for each statement execute function casemate.refuse_change()',
      'append_only_truncate_' || name, name);
  end loop;
end $$;
