-- What runs in a cluster is known by the digest of its platform's manifest.
create index on casemate.release_manifest (digest);
