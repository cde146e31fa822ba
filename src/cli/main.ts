#!/usr/bin/env node
console.log('casemate', process.version, process.argv.slice(2))
