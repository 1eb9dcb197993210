// Activations by number (../activation.h), their gradients, gated pairs, and dropout with a given mask of uniform numbers.
//
// Commands: activation       [x, y, n, activation]
//           activation_grad  [dy, saved, dx, n, activation]           dx = dy act'(saved)
//           gated            [gate, up, y, n, activation]             y = act(gate) up
//           gated_grad       [dy, gate, up, dgate, dup, n, activation, gate's derivative is from its input]
//           dropout          [x, noise, y, n, rate]                   y = noise >= rate ? x / (1 - rate) : 0
#include "../activation.h"
#include "../lanes.h"
#include "../parallel.h"

namespace gimbal {
namespace GIMBAL_ISA {

/// Calls f with the activation as a compile-time constant: one loop for each.
template <class F>
static void with_activation(Activation activation, F f) {
  switch (activation) {
#define GIMBAL_CASE(name) \
  case Activation::name: return f([](Vec x) GIMBAL_BODY { return activate(Activation::name, x); }, \
                                  [](Vec saved) GIMBAL_BODY { return activation_gradient(Activation::name, saved); });
    GIMBAL_CASE(relu)
    GIMBAL_CASE(elu)
    GIMBAL_CASE(sigmoid)
    GIMBAL_CASE(tanh)
    GIMBAL_CASE(gelu)
    GIMBAL_CASE(gelu_erf)
    GIMBAL_CASE(silu)
    GIMBAL_CASE(softplus)
    default: return f([](Vec x) GIMBAL_BODY { return x; }, [](Vec) GIMBAL_BODY { return splat(1.0f); });
#undef GIMBAL_CASE
  }
}

constexpr int64_t kGrain = 4096;

static void activation(Context& context, const double* a) {
  const float* x = ptr<float>(a[0]);
  float* y = ptr<float>(a[1]);
  const int64_t n = (int64_t)a[2];
  with_activation((Activation)(int)a[3], [&](auto act, auto) {
    parallel_for(context, n, kGrain, [=](int64_t begin, int64_t end) {
      for_vectors(end - begin, [=](int64_t i, int64_t rest) GIMBAL_BODY {
        store_rest(y + begin + i, act(load_rest(x + begin + i, rest)), rest);
      });
    });
  });
}

static void activation_grad(Context& context, const double* a) {
  const float *dy = ptr<float>(a[0]), *saved = ptr<float>(a[1]);
  float* dx = ptr<float>(a[2]);
  const int64_t n = (int64_t)a[3];
  with_activation((Activation)(int)a[4], [&](auto, auto slope) {
    parallel_for(context, n, kGrain, [=](int64_t begin, int64_t end) {
      for_vectors(end - begin, [=](int64_t i, int64_t rest) GIMBAL_BODY {
        store_rest(dx + begin + i, load_rest(dy + begin + i, rest) * slope(load_rest(saved + begin + i, rest)), rest);
      });
    });
  });
}

static void gated(Context& context, const double* a) {
  const float *gate = ptr<float>(a[0]), *up = ptr<float>(a[1]);
  float* y = ptr<float>(a[2]);
  const int64_t n = (int64_t)a[3];
  with_activation((Activation)(int)a[4], [&](auto act, auto) {
    parallel_for(context, n, kGrain, [=](int64_t begin, int64_t end) {
      for_vectors(end - begin, [=](int64_t i, int64_t rest) GIMBAL_BODY {
        store_rest(y + begin + i, act(load_rest(gate + begin + i, rest)) * load_rest(up + begin + i, rest), rest);
      });
    });
  });
}

static void gated_grad(Context& context, const double* a) {
  const float *dy = ptr<float>(a[0]), *gate = ptr<float>(a[1]), *up = ptr<float>(a[2]);
  float *dgate = ptr<float>(a[3]), *dup = ptr<float>(a[4]);
  const int64_t n = (int64_t)a[5];
  const bool from_input = a[7] != 0;
  with_activation((Activation)(int)a[6], [&](auto act, auto slope) {
    parallel_for(context, n, kGrain / 2, [=](int64_t begin, int64_t end) {
      for_vectors(end - begin, [=](int64_t i, int64_t rest) GIMBAL_BODY {
        const int64_t j = begin + i;
        const Vec g = load_rest(gate + j, rest), d = load_rest(dy + j, rest), h = act(g);
        store_rest(dgate + j, d * load_rest(up + j, rest) * slope(from_input ? g : h), rest);
        store_rest(dup + j, d * h, rest);
      });
    });
  });
}

static void dropout(Context& context, const double* a) {
  const float *x = ptr<float>(a[0]), *noise = ptr<float>(a[1]);
  float* y = ptr<float>(a[2]);
  const Vec rate = splat((float)a[4]), factor = splat((float)(1 / (1 - a[4])));
  parallel_for(context, (int64_t)a[3], 16384, [=](int64_t begin, int64_t end) {
    for_vectors(end - begin, [=](int64_t i, int64_t rest) GIMBAL_BODY {
      const IVec kept = load_rest(noise + begin + i, rest) >= rate;
      store_rest(y + begin + i, select(kept, load_rest(x + begin + i, rest) * factor, splat(0.0f)), rest);
    });
  });
}

void register_fused_activation(Registry& registry) {
  registry.add("activation", activation);
  registry.add("activation_grad", activation_grad);
  registry.add("gated", gated);
  registry.add("gated_grad", gated_grad);
  registry.add("dropout", dropout);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
