-- Plans ask which images failed when they were last run, and how often.
create index on casemate.run_image_end (image, run);
create index on casemate.run_image_end (image, run desc) where state = 'failed';

-- Messages that have reached everybody are forgotten after a while, and what became of them: what they told is in the history. Neither is
-- ever changed.
do $$
declare name text;
begin
  foreach name in array array['message', 'delivery']
  loop
    execute format('drop trigger %I on casemate.%I', 'append_only_' || name, name);
    execute format('create trigger %I before update on casemate.%I for each row execute function casemate.refuse_change()',
      'append_only_' || name, name);
  end loop;
end $$;
