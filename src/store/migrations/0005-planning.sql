-- What plans and clocks are asked by.

-- How severe a finding was held to be when it came to a mark; null where nobody said.
alter table casemate.clock_mark add column severity text check (severity in ('critical', 'high', 'medium', 'low'));
create index on casemate.approval (image, id);
create index on casemate.event (kind, id);
create index on casemate.ledger_entry (kind, sequence) where kind = 'excuse';
