// The state of a decoding: of every block the keys and values of the memory, made once for a code, and a cache of those of
// the tokens so far. While the weights stay packed it is kept for the next codes (language-models' kept states).
import { CachedState, type StateTerms } from '@gimbal/language-models';
import { backendExtensions, kvCache, type Params } from '@gimbal/tensor-core';
import { gather, keep, type Tensor, type Tensor3D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { KeysAndValues } from '../model/blocks.ts';
import type { Vec2TextConfig } from '../model/config.ts';

export class CodeState extends CachedState {
  /** Of each block [B,M,d]; the state owns them. */
  memory: KeysAndValues[];

  /** Owns the memory from now on. */
  constructor(params: Params, memory: KeysAndValues[], capacity: number, c: Vec2TextConfig, terms?: StateTerms) {
    const { decoderLayers, heads, width } = c;
    const batch = memory[0]?.[0].shape[0] as number;
    const caches = Array.from({ length: decoderLayers }, () =>
      kvCache({ batch, kvHeads: heads, headDim: width / heads, maxLength: capacity }),
    );
    super(params, batch, caches, terms);
    this.memory = memory;
  }

  /** Begins again with the memory of other codes, which stays the caller's; only where the backend captures steps. */
  restart(memory: readonly KeysAndValues[]): void {
    const backend = backendExtensions() as NonNullable<ReturnType<typeof backendExtensions>>;
    const own = this.memory.flat();
    for (const [i, fresh] of memory.flat().entries()) backend.overwrite(own[i] as Tensor, backend.view(fresh));
    this.revive();
  }

  /** Goes on with these rows, in this order. */
  override select(rows: Int32Array): void {
    super.select(rows);
    tidy(() => {
      const index = tensor1d(rows, 'int32');
      const pick = (x: Tensor3D): Tensor3D => {
        const picked = keep(gather(x, index));
        x.dispose();
        return picked;
      };
      this.memory = this.memory.map(([k, v]) => [pick(k), pick(v)] as const);
    });
  }

  /** Frees all that it holds. */
  override free(): void {
    super.free();
    for (const tensor of this.memory.flat()) tensor.dispose();
    this.memory = [];
  }
}
