// Chains of linear layers, forward and backward as one command each: one network, or several of one form on the same
// rows (twin critics). For layer i, act being the output activation in the last one:
//
//   z_i = h_(i-1) W_i + b_i,  h_i = act(z_i),  h_0 = x;  y = h_last + residual
//   dz_(i-1) = (dz_i W_i^T) * act'(saved);  dW_i = h_(i-1)^T dz_i;  db_i = sum dz_i;  dx = dz_0 W_0^T
//
// A thread takes rows through all the layers, or a whole network where there are enough of them: layers then need no
// barrier between them, and what a thread computed is in its own cache when it needs it again. Large products, and those
// in bf16, are shared by the threads one after another instead.
//
// Commands: mlp       [bf16 product or -1, nets, rows, layers, activation, output activation, out_in, layers + 1 widths,
//                      then of each net: x, residual, and of each of its layers: W, b, z, h, packed W]
//           mlp_grad  [bf16 product or -1, nets, rows, layers, activation, lowest, out_in, layers + 1 widths,
//                      then of each net: x, last dz, dx, and of each of its layers: W, packed W^T, saved, h, dz, dW, db]
// W is [in, out], [out, in] with out_in. 0 stands for what is absent or not wanted. Backward goes down to dz of layer
// `lowest`; nets that are given one x add up to the first one's dx.
#include "../gemm.h"
#include "../lanes.h"
#include "gemm/hint.h"

namespace gimbal {
namespace GIMBAL_ISA {

/// The command of fused_tokens.cc, on all threads.
void sum_rows(Context& context, const double* a);

namespace {

/// The least rows and floating-point operations that are worth a part of their own, and the most for which a thread
/// computes a part without help.
constexpr int64_t kPartRows = 64;
constexpr double kSmallFlops = 1e6, kLargeFlops = 200e6;

/// What both commands begin with.
struct Chain {
  static constexpr int kHead = 7;
  int product;
  int64_t nets, rows, layers;
  Activation activation;
  int sixth;  // forward: the output activation, backward: the lowest layer
  bool out_in;
  const double *widths, *lists;
  int64_t per_net, per_layer, net_words;

  Chain(const double* a, int64_t net_head, int64_t layer_words)
      : product(static_cast<int>(a[0])), nets(static_cast<int64_t>(a[1])), rows(static_cast<int64_t>(a[2])),
        layers(static_cast<int64_t>(a[3])), activation(static_cast<Activation>(static_cast<int>(a[4]))),
        sixth(static_cast<int>(a[5])), out_in(a[6] != 0), widths(a + kHead), lists(a + kHead + layers + 1),
        per_net(net_head), per_layer(layer_words), net_words(net_head + layers * layer_words) {}

  int64_t width(int64_t i) const { return static_cast<int64_t>(widths[i]); }
  const double* net(int64_t n) const { return lists + n * net_words; }
  const double* layer(int64_t n, int64_t i) const { return net(n) + per_net + i * per_layer; }
  /// Of one pass over all layers of one network.
  double flops() const {
    double sum = 0;
    for (int64_t i = 0; i < layers; i++) sum += 2.0 * widths[i] * widths[i + 1] * static_cast<double>(rows);
    return sum;
  }

  /// How many parts the rows of each network are cut into so that threads have equal shares; 0: they share products.
  int64_t row_parts(int threads) const {
    if (product >= 0) return 0;
    const double work = flops() * static_cast<double>(nets);
    if (threads == 1 || work < kSmallFlops) return 1;
    if (work > kLargeFlops * threads) return 0;
    int64_t parts = threads;
    while (parts % 2 == 0 && nets * (parts / 2) % threads == 0) parts /= 2;
    if (nets % threads == 0) parts = 1;
    return rows >= parts * kPartRows ? parts : 0;
  }
};

using Run = void (*)(Context&, int product, const GemmArgs&);

void run_serial(Context& context, int, const GemmArgs& g) { gemm_serial(context, g); }

/// A product on all threads, by another operation where one is named (weights in blocks have one only).
void run_threaded(Context& context, int product, const GemmArgs& g) {
  if (product < 0 || g.blocks) return gemm(context, g);
  double words[kProductWords];
  write_product(g, words);
  context.registry.entries[product].fn(context, words);
}

/// f(index) for each of `count` parts of a job of `flops` operations.
template <class F>
void run_parts(Context& context, int64_t count, double flops, F f) {
  const Pool::Size size = flops > 15e6 ? Pool::Size::large : Pool::Size::small;
  context.pool.run([](void* p, int64_t i) { (*static_cast<F*>(p))(i); }, &f, count, size);
}

// ---- forward -------------------------------------------------------------------------------------------------------

/// Layer i of a network on rows [r0, r1). @param e where its epilogue is kept
GemmArgs layer_product(const Chain& chain, int64_t net, int64_t i, int64_t r0, int64_t r1, Epilogue& e) {
  const double *head = chain.net(net), *layer = chain.layer(net, i);
  const bool last = i == chain.layers - 1;
  GemmArgs g;
  g.m = r1 - r0, g.k = chain.width(i), g.n = chain.width(i + 1);
  g.a = ptr<const float>(i == 0 ? head[0] : chain.layer(net, i - 1)[3]) + r0 * g.k;
  g.b = ptr<const float>(layer[0]);
  g.c = ptr<float>(layer[3]) + r0 * g.n;
  g.lda = g.k, g.ldb = chain.out_in ? g.k : g.n, g.ldc = g.n;
  g.transpose_b = chain.out_in;
  g.read_packed(layer[4]);
  e.bias = ptr<const float>(layer[1]);
  e.activation = last ? static_cast<Activation>(chain.sixth) : chain.activation;
  if (layer[2] != 0) e.pre = ptr<float>(layer[2]) + r0 * g.n;
  if (last && head[1] != 0) e.residual = ptr<const float>(head[1]) + r0 * g.n;
  if (e.bias || e.activation != Activation::linear || e.pre || e.residual) g.epilogue = &e;
  return g;
}

void forward_rows(Context& context, const Chain& chain, int64_t net, int64_t r0, int64_t r1) {
  for (int64_t i = 0; i < chain.layers; i++) {
    Epilogue e;
    run_serial(context, -1, layer_product(chain, net, i, r0, r1, e));
  }
}

HintFn product_hint(const Context& context, const Chain& chain) {
  return chain.product < 0 ? hint_product : context.registry.entries[chain.product].hint;
}

/// One network, its products shared by the threads, each of which may fetch the next one's weights.
void forward_shared(Context& context, const Chain& chain, int64_t net) {
  for (int64_t i = 0; i < chain.layers; i++) {
    Epilogue e, after;
    double next[kProductWords];
    if (i + 1 < chain.layers) {
      write_product(layer_product(chain, net, i + 1, 0, chain.rows, after), next);
      context.within = {product_hint(context, chain), next};
    }
    run_threaded(context, chain.product, layer_product(chain, net, i, 0, chain.rows, e));
    context.within = {};
  }
}

/// HintFn of mlp: what the first product reads, where the threads share it.
Fetch hint_mlp(Context& context, const double* a, int part, int parts, int64_t index, int64_t steps) {
  const Chain chain(a, 2, 5);
  const HintFn hint = product_hint(context, chain);
  if (!hint || chain.row_parts(parts) != 0) return {};
  Epilogue e;
  double words[kProductWords];
  write_product(layer_product(chain, 0, 0, 0, chain.rows, e), words);
  return hint(context, words, part, parts, index, steps);
}

void mlp(Context& context, const double* a) {
  const Chain chain(a, 2, 5);
  const int64_t parts = chain.row_parts(thread_count(context)), rows = chain.rows;
  if (parts == 0) {
    for (int64_t net = 0; net < chain.nets; net++) forward_shared(context, chain, net);
    return;
  }
  run_parts(context, chain.nets * parts, chain.flops() * static_cast<double>(chain.nets), [&](int64_t index) {
    const int64_t net = index / parts, part = index % parts;
    forward_rows(context, chain, net, rows * part / parts, rows * (part + 1) / parts);
  });
}

// ---- backward ------------------------------------------------------------------------------------------------------

constexpr int kWeight = 0, kPacked = 1, kSaved = 2, kOutput = 3, kDz = 4, kDWeight = 5, kDBias = 6;

float* dz_of(const Chain& chain, int64_t net, int64_t i) {
  return ptr<float>(i == chain.layers - 1 ? chain.net(net)[1] : chain.layer(net, i)[kDz]);
}

/// dz of the layer below i, or dx below the first.
void backward_layer(Context& context, const Chain& chain, int64_t net, int64_t i, int64_t r0, int64_t r1, Run run) {
  const double* layer = chain.layer(net, i);
  GemmArgs g;
  g.m = r1 - r0, g.k = chain.width(i + 1), g.n = chain.width(i);
  g.a = dz_of(chain, net, i) + r0 * g.k;
  g.b = ptr<const float>(layer[kWeight]);
  g.c = (i == 0 ? ptr<float>(chain.net(net)[2]) : dz_of(chain, net, i - 1)) + r0 * g.n;
  g.lda = g.k, g.ldb = chain.out_in ? g.n : g.k, g.ldc = g.n;
  g.transpose_b = !chain.out_in;
  g.read_packed(layer[kPacked]);
  Epilogue e;
  if (i > 0 && chain.activation != Activation::linear) {
    e.activation = chain.activation;
    e.saved = ptr<const float>(chain.layer(net, i - 1)[kSaved]) + r0 * g.n;
    g.epilogue = &e;
  }
  run(context, chain.product, g);
}

/// Down to dz of the lowest layer, and dx where it is wanted.
void backward_rows(Context& context, const Chain& chain, int64_t net, int64_t r0, int64_t r1, Run run) {
  const int64_t lowest = chain.net(net)[2] != 0 ? 0 : chain.sixth + 1;
  for (int64_t i = chain.layers - 1; i >= lowest; i--) backward_layer(context, chain, net, i, r0, r1, run);
}

/// y = the sums of columns [0, n) of x [rows, stride], on this thread.
void sum_columns(const float* x, int64_t rows, int64_t stride, int64_t n, float* y) {
  for_vectors(n, [&](int64_t j, int64_t rest) GIMBAL_BODY {
    const float* column = x + j;
    Vec sum = splat(0.0f);
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4, column += 4 * stride) {
      const Vec pair = load_rest(column, rest) + load_rest(column + stride, rest);
      sum += pair + (load_rest(column + 2 * stride, rest) + load_rest(column + 3 * stride, rest));
    }
    for (; r < rows; r++, column += stride) sum += load_rest(column, rest);
    store_rest(y + j, sum, rest);
  });
}

/// dW and db of a layer for its outputs [o0, o1).
void weight_gradient(Context& context, const Chain& chain, int64_t net, int64_t i, int64_t o0, int64_t o1, Run run) {
  const double* layer = chain.layer(net, i);
  const int64_t in = chain.width(i), out = chain.width(i + 1);
  const float* dz = dz_of(chain, net, i);
  if (layer[kDWeight] != 0) {
    const float* h = ptr<const float>(i == 0 ? chain.net(net)[0] : chain.layer(net, i - 1)[kOutput]);
    float* dw = ptr<float>(layer[kDWeight]);
    GemmArgs g;
    g.k = chain.rows;
    g.transpose_a = true;
    if (chain.out_in) {
      g.m = o1 - o0, g.n = in;
      g.a = dz + o0, g.lda = out;
      g.b = h, g.ldb = in;
      g.c = dw + o0 * in, g.ldc = in;
    } else {
      g.m = in, g.n = o1 - o0;
      g.a = h, g.lda = in;
      g.b = dz + o0, g.ldb = out;
      g.c = dw + o0, g.ldc = out;
    }
    run(context, chain.product, g);
  }
  if (layer[kDBias] == 0) return;
  if (run == run_serial) return sum_columns(dz + o0, chain.rows, out, o1 - o0, ptr<float>(layer[kDBias]) + o0);
  const double words[] = {address_of(dz), layer[kDBias], static_cast<double>(chain.rows), static_cast<double>(out)};
  sum_rows(context, words);
}

/// The weight gradients of all networks, cut by outputs: the cut layers first, the small ones fill what is left.
void weight_gradients(Context& context, const Chain& chain) {
  const int threads = thread_count(context);
  const auto cuts = [&](int64_t i) -> int64_t {
    const double flops = 2.0 * chain.widths[i] * chain.widths[i + 1] * static_cast<double>(chain.rows);
    return flops > 4 * kSmallFlops && chain.width(i + 1) >= threads * 2 * kLanes ? threads : 1;
  };
  int64_t cut = 0, whole = 0;
  for (int64_t i = chain.sixth; i < chain.layers; i++) (cuts(i) > 1 ? cut : whole) += cuts(i);
  const double flops = chain.flops() * static_cast<double>(chain.nets);
  run_parts(context, chain.nets * (cut + whole), flops, [&](int64_t index) {
    const bool is_cut = index < chain.nets * cut;
    const int64_t per_net = is_cut ? cut : whole, from = is_cut ? index : index - chain.nets * cut;
    int64_t at = from % per_net;
    for (int64_t i = chain.sixth; i < chain.layers; i++) {
      const int64_t here = cuts(i);
      if ((here > 1) != is_cut) continue;
      if (at >= here) {
        at -= here;
        continue;
      }
      const int64_t vectors = (chain.width(i + 1) + kLanes - 1) / kLanes;
      const int64_t o0 = vectors * at / here * kLanes, o1 = vectors * (at + 1) / here * kLanes;
      return weight_gradient(context, chain, from / per_net, i, o0, o1 < chain.width(i + 1) ? o1 : chain.width(i + 1),
                             run_serial);
    }
  });
}

void mlp_grad(Context& context, const double* a) {
  const Chain chain(a, 3, 7);
  const int64_t nets = chain.nets, rows = chain.rows, parts = chain.row_parts(thread_count(context));
  const double flops = 2 * chain.flops() * static_cast<double>(nets);
  const auto all_weights = [&](int64_t net, Run run) {
    for (int64_t i = chain.layers - 1; i >= chain.sixth; i--)
      weight_gradient(context, chain, net, i, 0, chain.width(i + 1), run);
  };
  if (parts == 0) {
    for (int64_t net = 0; net < nets; net++) {
      backward_rows(context, chain, net, 0, rows, run_threaded);
      all_weights(net, run_threaded);
    }
  } else if (parts == 1) {
    run_parts(context, nets, flops, [&](int64_t net) {
      backward_rows(context, chain, net, 0, rows, run_serial);
      all_weights(net, run_serial);
    });
  } else {
    run_parts(context, nets * parts, flops, [&](int64_t index) {
      const int64_t part = index % parts;
      backward_rows(context, chain, index / parts, rows * part / parts, rows * (part + 1) / parts, run_serial);
    });
    weight_gradients(context, chain);
  }
  float* dx = ptr<float>(chain.net(0)[2]);
  if (!dx) return;
  for (int64_t net = 1; net < nets; net++) {
    const float* more = ptr<const float>(chain.net(net)[2]);
    parallel_for(context, rows * chain.width(0), 16384, [=](int64_t begin, int64_t end) {
      for_vectors(end - begin, [=](int64_t i, int64_t rest) GIMBAL_BODY {
        store_rest(dx + begin + i, load_rest(dx + begin + i, rest) + load_rest(more + begin + i, rest), rest);
      });
    });
  }
}

}  // namespace

void register_mlp(Registry& registry) {
  registry.add("mlp", mlp, hint_mlp);
  registry.add("mlp_grad", mlp_grad);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
