// The kernel families: each is one file cc/kernels/<family>.cc, compiled once per instruction-set level, with a
// function `register_<family>(Registry&)`. Add yours here.
#pragma once
#define GIMBAL_FAMILIES(X) \
  X(attention)                   \
  X(attention_decode)            \
  X(attention_grad)              \
  X(binary)                      \
  X(blocks)                      \
  X(cast)                        \
  X(compare)                     \
  X(conv)                        \
  X(cross_entropy)               \
  X(depthwise)                   \
  X(divergence)                  \
  X(fused_activation)            \
  X(fused_linear_cross_entropy)  \
  X(fused_norm)                  \
  X(fused_sample)                \
  X(fused_softmax_grad)          \
  X(fused_tokens)                \
  X(gather)                      \
  X(gemm)                        \
  X(layout)                      \
  X(mlp)                         \
  X(multinomial)                 \
  X(norm)                        \
  X(optimizer)                   \
  X(peak)                        \
  X(philox)                      \
  X(policy_head)                 \
  X(pool)                        \
  X(reduce)                      \
  X(reduce_grad)                 \
  X(resize)                      \
  X(scan)                        \
  X(softmax)                     \
  X(top_k)                       \
  X(unary)
