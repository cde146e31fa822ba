/** What reads packages of applications in files, without what names and writes them: who makes images needs no more. */
export { ApplicationReader, type ApplicationReadings, type ScannedFile } from './application-reader.ts'
