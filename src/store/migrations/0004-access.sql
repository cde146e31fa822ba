-- Who may use the API, and what was done and refused there. Rows are appended: a token ends by a row of its own.

create table casemate.access_token (
  id bigint generated always as identity primary key,
  name text not null,
  role text not null check (role in ('reader', 'approver', 'operator', 'admin')),
  -- Patterns of the images that it is for: a star is one part of a name, two are any.
  images text[] not null,
  -- The SHA-256 of the token, which is 256 random bits: nobody can read a token out of here, or guess it.
  digest text not null unique,
  made_by text not null,
  made timestamptz(3) not null,
  expires timestamptz(3)
);
create table casemate.access_token_end (
  token bigint primary key references casemate.access_token,
  ended_by text not null,
  ended timestamptz(3) not null
);

create table casemate.audit_record (
  id bigint generated always as identity primary key,
  at timestamptz(3) not null,
  -- Null for who said nothing that is known here.
  token bigint references casemate.access_token,
  who text not null,
  address text not null,
  request text not null,
  action text not null,
  target text not null,
  status integer not null,
  -- Null for what was done.
  reason text
);
create index on casemate.audit_record (token, id);

-- What the API pages through.
create index on casemate.event (subject, id);
create index on casemate.stage_record (run, image, id);

do $$
declare name text;
begin
  foreach name in array array['access_token', 'access_token_end', 'audit_record']
  loop
    execute format('create trigger %I before update or delete on casemate.%I for each row execute function casemate.refuse_change()',
      'append_only_' || name, name);
    execute format('create trigger %I before truncate on casemate.%I for each statement execute function casemate.refuse_change()',
      'append_only_truncate_' || name, name);
  end loop;
end $$;
