// Quotas of control groups on file systems made up for it: containers with and without a name space of their own, services.
import { cgroupQuota } from './cgroup.ts';

const quota = (files: { [path: string]: string }): number => cgroupQuota((path) => files[path]);

const second = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n';

test('without control groups, or without a quota, there is no limit', () => {
  expect(quota({})).toBe(Infinity);
  expect(quota({ '/proc/self/cgroup': '0::/\n', '/proc/self/mountinfo': second })).toBe(Infinity);
  const files = { '/proc/self/cgroup': '0::/a\n', '/proc/self/mountinfo': second };
  expect(quota({ ...files, '/sys/fs/cgroup/a/cpu.max': 'max 100000\n' })).toBe(Infinity);
});

test('a container that sees its own group as the root', () => {
  const files = { '/proc/self/cgroup': '0::/\n', '/proc/self/mountinfo': second };
  expect(quota({ ...files, '/sys/fs/cgroup/cpu.max': '150000 100000\n' })).toBe(1.5);
});

test('of groups inside each other the least quota holds, wherever it stands', () => {
  const files = {
    '/proc/self/cgroup': '0::/user.slice/user-1000.slice/my:app.scope\n',
    '/proc/self/mountinfo': second,
    '/sys/fs/cgroup/user.slice/cpu.max': '800000 100000\n',
    '/sys/fs/cgroup/user.slice/user-1000.slice/cpu.max': '200000 100000\n',
    '/sys/fs/cgroup/user.slice/user-1000.slice/my:app.scope/cpu.max': 'max 100000\n',
  };
  expect(quota(files)).toBe(2);
  expect(quota({ ...files, '/sys/fs/cgroup/user.slice/user-1000.slice/my:app.scope/cpu.max': '50000 100000' })).toBe(
    0.5,
  );
  expect(quota({ ...files, '/sys/fs/cgroup/user.slice/cpu.max': '100000 100000' })).toBe(1);
});

test('a group beside one’s own does not count', () => {
  const files = {
    '/proc/self/cgroup': '0::/mine\n',
    '/proc/self/mountinfo': second,
    '/sys/fs/cgroup/other/cpu.max': '100000 100000\n',
  };
  expect(quota(files)).toBe(Infinity);
});

test('version 1: the group of the cpu controller, below what is mounted of it', () => {
  const files = {
    '/proc/self/cgroup': '4:memory:/docker/ab\n3:cpu,cpuacct:/docker/ab/inner\n1:name=systemd:/x\n0::/\n',
    '/proc/self/mountinfo':
      '40 31 0:30 /docker/ab /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n' +
      '41 31 0:31 /docker/ab /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n',
    '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '-1\n',
    '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
    '/sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_quota_us': '300000\n',
    '/sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_period_us': '100000\n',
  };
  expect(quota(files)).toBe(3);
  expect(quota({ ...files, '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '250000\n' })).toBe(2.5);
});

test('where a group’s own folder does not show, that of the mounted one does', () => {
  const max = { '/sys/fs/cgroup/cpu.max': '400000 100000\n' };
  const docker = '30 23 0:26 /docker/ab /sys/fs/cgroup ro - cgroup2 cgroup rw\n';
  expect(quota({ '/proc/self/cgroup': '0::/docker/abc\n', '/proc/self/mountinfo': docker, ...max })).toBe(4);
  expect(quota({ '/proc/self/cgroup': '0::/../other\n', '/proc/self/mountinfo': second, ...max })).toBe(4);
});

test('a path with a space', () => {
  const files = {
    '/proc/self/cgroup': '0::/a b\n',
    '/proc/self/mountinfo': '30 23 0:26 / /sys/fs/my\\040cgroup rw - cgroup2 cgroup2 rw\n',
    '/sys/fs/my cgroup/a b/cpu.max': '100000 50000\n',
  };
  expect(quota(files)).toBe(2);
});
