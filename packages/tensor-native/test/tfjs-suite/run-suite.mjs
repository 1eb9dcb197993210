// Runs a bundle of tfjs-core's suite in this process. The last line of output is one JSON object:
// { passed, failed, excluded: [{ name, reason }], skipped, failures: [{ name, message }] }.
import jasmineRequire from 'jasmine-core';

/**
 * @param {string} file the bundle
 * @param {{ name: string, reason: string }[]} exclusions each leaves out every spec whose full name contains its name
 * @param {string[]} argument of the command line: `--all` ignores the exclusions, `--filter text` runs some specs
 */
export async function runSuite(file, exclusions, argument) {
  const everything = argument.includes('--all');
  const filter = argument.includes('--filter') ? argument[argument.indexOf('--filter') + 1] : '';
  const jasmine = jasmineRequire.boot(jasmineRequire);
  const environment = jasmine.getEnv();
  // the specs print warnings that are part of what they test
  for (const method of ['warn', 'log']) console[method] = () => {};
  await import(file);

  const result = { passed: 0, failed: 0, excluded: [], skipped: 0, failures: [] };
  environment.configure({
    random: false,
    failSpecWithNoExpectations: false,
    specFilter(spec) {
      const name = spec.getFullName();
      if (!name.includes(filter)) return false;
      const exclusion = everything ? undefined : exclusions.find((e) => name.includes(e.name));
      if (exclusion === undefined) return true;
      result.excluded.push({ name, reason: exclusion.reason });
      return false;
    },
  });
  environment.addReporter({
    specDone({ fullName, status, failedExpectations }) {
      if (status === 'passed') result.passed++;
      else if (status === 'failed') {
        result.failed++;
        const message = failedExpectations.map((failure) => failure.message).join(' | ');
        result.failures.push({ name: fullName, message: message.slice(0, 300) });
      } else if (status !== 'excluded') result.skipped++;
    },
    jasmineDone() {
      process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(result.failed > 0 ? 1 : 0));
    },
  });
  environment.execute();
}
