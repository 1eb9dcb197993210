// What an install of TensorFlow is made of: names, versions, checksums and sizes, pinned.
import { createHash } from 'node:crypto';
import type { TensorFlowBuild } from '@gimbal/tensor-core';

/** What `gimbal doctor --install` takes. */
export const targets = ['node', 'node-gpu'] as const;
export type Target = (typeof targets)[number];

export const buildOf = (target: Target): TensorFlowBuild => (target === 'node-gpu' ? 'cuda' : 'cpu');

/** The version of TensorFlow whose wheels are pinned. */
export const tensorflow = '2.20.0';

/** Versions of a library that was given: the binding compiles against these. */
export const accepted = { from: [2, 12], to: [2, 22] } as const;

const MB = 1e6;

/** A wheel of PyPI; the library in it is used without Python, so the tag cp311 does for every Python. */
export interface Wheel {
  name: string;
  platform: string;
  sha256: string;
  downloadBytes: number;
  /** The two libraries, unpacked. */
  diskBytes: number;
}

/** By target and `<platform>-<arch>`. */
const wheels: { readonly [key: string]: Wheel } = {
  'node linux-x64': {
    name: 'tensorflow-cpu',
    platform: 'manylinux2014_x86_64',
    sha256: 'cf756bbe2d256e942ab5d0ad2c858fb40017581494febdb4387c149b1afde780',
    downloadBytes: 259 * MB,
    diskBytes: 780 * MB,
  },
  'node linux-arm64': {
    name: 'tensorflow',
    platform: 'manylinux2014_aarch64',
    sha256: '3e9568c8efcb05c0266be223e3269c62ebf7ad3498f156438311735f6fa5ced5',
    downloadBytes: 259 * MB,
    diskBytes: 934 * MB,
  },
  'node darwin-arm64': {
    name: 'tensorflow',
    platform: 'macosx_12_0_arm64',
    sha256: '5f964016c5035d09b85a246a6b739be89282a7839743f3ea63640224f0c63aee',
    downloadBytes: 201 * MB,
    diskBytes: 703 * MB,
  },
  'node-gpu linux-x64': {
    name: 'tensorflow',
    platform: 'manylinux2014_x86_64',
    sha256: '481499fd0f824583de8945be61d5e827898cdaa4f5ea1bc2cc28ca2ccff8229e',
    downloadBytes: 621 * MB,
    diskBytes: 1273 * MB,
  },
};

export const wheelFor = (target: Target, platform: string): Wheel | undefined => wheels[`${target} ${platform}`];

/**
 * NVIDIA's libraries, fetched by pip under NVIDIA's licence: the wheels for Linux x64 with their sha256. nvidia-nccl is for
 * several GPUs and left out.
 */
export const nvidiaSha256: { readonly [spec: string]: string } = {
  'nvidia-cublas-cu12==12.9.3.13': 'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72',
  'nvidia-cuda-cupti-cu12==12.9.79': '096bcf334f13e1984ba36685ad4c1d6347db214de03dbb6eebb237b41d9d934f',
  'nvidia-cuda-nvcc-cu12==12.9.86': '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0',
  'nvidia-cuda-nvrtc-cu12==12.9.86': '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
  'nvidia-cuda-runtime-cu12==12.9.79': '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
  'nvidia-cudnn-cu12==9.28.0.42': '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375',
  'nvidia-cufft-cu12==11.4.1.4': 'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
  'nvidia-curand-cu12==10.3.10.19': '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e',
  'nvidia-cusolver-cu12==11.7.5.82': '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
  'nvidia-cusparse-cu12==12.5.10.65': '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
  'nvidia-nvjitlink-cu12==12.9.86': 'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
};
const nvidia = Object.keys(nvidiaSha256);
export const nvidiaDownloadBytes = 2460 * MB;
export const nvidiaDiskBytes = 3940 * MB;

/** Packages of npm, with the hash that npm itself pins them by. */
export const tarballs = [
  {
    spec: '@tensorflow/tfjs-node@4.22.0',
    file: 'tensorflow-tfjs-node-4.22.0.tgz',
    sha512: 'uHrXeUlfgkMxTZqHkESSV7zSdKdV0LlsBeblqkuKU9nnfxB1pC6DtoyYVaLxznzZy7WQSegjcohxxCjAf6Dc7w==',
  },
  {
    spec: 'node-api-headers@1.9.0',
    file: 'node-api-headers-1.9.0.tgz',
    sha512: '2oNILP4jXwRB4ywnYKjVk1YyJ96n2D4EOVJO6S3oYZ5PtbJrw3Yt9TpAuX3nBLMuzn74rnfGQrv13pS9vC+YiA==',
  },
  {
    spec: 'google-protobuf@3.21.4',
    file: 'google-protobuf-3.21.4.tgz',
    sha512: 'MnG7N936zcKTco4Jd2PX2U96Kf9PxygAPKBug+74LHzmHXmceN16MmRcdgZv+DGef/S9YvQAfRsNCn4cjf9yyQ==',
  },
] as const;
export const tarballBytes = 1 * MB;

/** Free space that an install needs while it works: the download and what is unpacked from it lie side by side. */
export const neededBytes = (target: Target, linked: boolean): number =>
  linked ? 10 * MB : target === 'node-gpu' ? 9000 * MB : 1500 * MB;

/** Another recipe makes another install. @param source the text of what is compiled */
export function recipeHash(target: Target, source: string, linkedFrom: string | undefined): string {
  const parts = { target, tensorflow, wheels, nvidia, tarballs, source, linkedFrom };
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
