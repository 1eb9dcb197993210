"""Ten steps of each optimiser with the reference implementation, written to optimizers.json.

Versions: torch 2.13.0, stable-baselines3 2.9.2. Run: python optimizers.py, then format the file with biome.
torch.optim.Muon iterates in bfloat16; its helper is run in float32 here, as our own. Lion is not part of torch: it is
algorithm 2 of Chen et al. 2023, written out below in float64.
"""
import inspect
import json
import os

import torch
import torch.optim._muon as muon_module
from stable_baselines3.common.sb2_compat.rmsprop_tf_like import RMSpropTFLike

here = os.path.dirname(os.path.abspath(__file__))
source = inspect.getsource(muon_module._zeropower_via_newtonschulz).replace('grad.bfloat16()', 'grad.clone()')
exec(compile(source, 'muon-float32', 'exec'), muon_module.__dict__)


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            b1, b2 = group['betas']
            for p in group['params']:
                state = self.state[p]
                m = state.setdefault('m', torch.zeros_like(p, dtype=torch.float64))
                g = p.grad.double()
                update = torch.sign(b1 * m + (1 - b1) * g)
                p.copy_(p.double() - group['lr'] * (update + group['weight_decay'] * p.double()))
                state['m'] = b2 * m + (1 - b2) * g


generator = torch.Generator().manual_seed(0)
shapes = {'tall': (4, 3), 'wide': (3, 5), 'bias': (3,)}
start = {k: torch.randn(s, generator=generator) for k, s in shapes.items()}
grads = [{k: torch.randn(s, generator=generator) * (0.1 + i) for k, s in shapes.items()} for i in range(10)]

runs = {
    'adamw': (lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1, betas=(0.9, 0.95)), ['tall', 'wide', 'bias']),
    'adam': (lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1), ['tall', 'wide', 'bias']),
    'sgd': (lambda p: torch.optim.SGD(p, lr=0.01, weight_decay=0.1), ['tall', 'wide', 'bias']),
    'momentum': (lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=0.1), ['tall', 'wide', 'bias']),
    'nesterov': (lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True), ['tall', 'wide', 'bias']),
    'rmsprop': (lambda p: torch.optim.RMSprop(p, lr=0.01, weight_decay=0.1), ['tall', 'wide', 'bias']),
    'rmspropTf': (lambda p: RMSpropTFLike(p, lr=0.01, eps=1e-5, momentum=0.9), ['tall', 'wide', 'bias']),
    'adafactor': (lambda p: torch.optim.Adafactor(p, lr=0.3, weight_decay=0.1), ['tall', 'wide', 'bias']),
    'lion': (lambda p: Lion(p, lr=0.01, weight_decay=0.1), ['tall', 'wide', 'bias']),
    'muon': (lambda p: torch.optim.Muon(p, lr=0.02, weight_decay=0.1), ['tall', 'wide']),
    'muonRms': (lambda p: torch.optim.Muon(p, lr=0.02, nesterov=False, adjust_lr_fn='match_rms_adamw'), ['tall', 'wide']),
}

out = {'start': {k: v.flatten().tolist() for k, v in start.items()}, 'grads': [{k: v.flatten().tolist() for k, v in g.items()} for g in grads], 'after': {}}
for name, (make, keys) in runs.items():
    params = {k: start[k].clone().requires_grad_(True) for k in keys}
    optimizer = make(list(params.values()))
    after = []
    for g in grads:
        for k, p in params.items():
            p.grad = g[k].clone()
        optimizer.step()
        after.append({k: p.detach().flatten().tolist() for k, p in params.items()})
    # the first steps show the formula, the last one the state
    out['after'][name] = {'1': after[0], '2': after[1], '10': after[9]}

with open(os.path.join(here, 'optimizers.json'), 'w') as f:
    json.dump(out, f)
