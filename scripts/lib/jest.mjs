// Jest as the checks run it, and its own counts.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { resultsFolder } from './results.mjs';
import { quote } from './run.mjs';

/** Where a run of this name writes its report; one of an earlier run is removed. */
export function freshReport(name) {
  const report = join(resultsFolder, `${name}.json`);
  rmSync(report, { force: true });
  return report;
}

/** The command that tests these files (all, without any) and writes a report, on this Node or another. */
export const jestCommand = (report, files = [], node = 'node') =>
  [
    `${quote(node)} --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js`,
    `--maxWorkers=2 --json --outputFile=${quote(report)}`,
    ...files,
  ].join(' ');

/**
 * A report's counts; a file that could not even run counts as one failure.
 * @returns {{ passed: number, failed: number, skipped: number, failures: string[] }}
 */
export function jestCounts(path) {
  const report = JSON.parse(readFileSync(path, 'utf8'));
  const broken = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  const failures = report.testResults.flatMap((file) =>
    file.assertionResults.filter((test) => test.status === 'failed').map((test) => test.fullName),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests,
    failures: [...failures, ...broken.map((file) => file.name)],
  };
}
