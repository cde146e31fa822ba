-- Plans ask which images failed when they were last run, and how often.
create index on casemate.run_image_end (image, run);
create index on casemate.run_image_end (image, run desc) where state = 'failed';
