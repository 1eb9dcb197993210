import { readFileSync } from 'node:fs';
import { crc32c, maskedCrc32c } from './crc32c.ts';
import { fileVersionEvent, record, scalarsEvent, sessionStartEvent } from './event.ts';

test('CRC-32C of the test vectors of RFC 3720 B.4', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  expect(maskedCrc32c(new Uint8Array(0))).toBe(0xa282ead8);
});

test('our records are TensorBoard’s byte for byte (golden/tensorboard-events.py)', () => {
  const ours = [
    fileVersionEvent(1.5),
    sessionStartEvent(2.25, 3),
    scalarsEvent(1700000000.125, 0, { loss: 2.5 }),
    scalarsEvent(1700000001, 123456789012, { loss: 0.1, [`größe/${'x'.repeat(150)}`]: Number.NaN }),
  ];
  const golden = readFileSync(new URL('../../../test/golden/events.tfevents', import.meta.url));
  expect(Buffer.concat(ours.map(record)).equals(golden)).toBe(true);
});
