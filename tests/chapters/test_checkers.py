"""Every checker accepts the solution, also in another form, and answers typical wrong answers."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from alexnet_lib.chapters import (
    architecture,
    augmentation,
    dataset,
    discussion,
    dropout,
    introduction,
    learning,
    normalization,
    pooling,
    qualitative,
    relu,
    results,
    source,
    towers,
    training,
)
from alexnet_lib.evaluation import average_nets, topk_error
from alexnet_lib.qualitative import colorfulness, nearest

# Checker -> right numbers, wrong ones.
NUMBERS = {
    introduction.check_updates: ([843_750, 844_000], [9375, 108_000_000, 90]),
    introduction.check_weight_memory: ([0.7316, 0.73], [0.2439, 0.1829, 731.6]),
    dataset.check_lost_share: ([1 / 3, 0.3333], [2 / 3, 1 - 256**2 / 240_000, 0.35]),
    dataset.check_guessing: ([0.995], [0.005, 0.999, 99.5]),
    relu.check_fraction_left: ([1 / 16], [1 / 256, 0.5, 4.0]),
    relu.check_scaled_rate: ([4096], [64, 1, 1 / 64, 1 / 4096]),
    towers.check_conv3_bytes: ([256 * 169 * 128 * 4], [256 * 169 * 4, 256 * 169 * 128, 256 * 27**2 * 512]),
    towers.check_equal_batch: ([997], [996, 996.6, 499, 1005]),
    normalization.check_torch_alpha: ([5e-4], [1e-4, 2e-5, 5]),
    pooling.check_readers: ([4], [2, 9, 1, 2.25]),
    pooling.check_conv2_padding: ([1], [0, 2, 3]),
    architecture.check_windows: ([63], [62, 62.25, 64]),
    architecture.check_conv2_crossing: ([96 * 27 * 27], [96 * 55 * 55, 48 * 27 * 27, 2 * 96 * 27 * 27]),
    augmentation.check_places: ([81], [64, 162, 9]),
    dropout.check_common_units: ([1024, 1024.0], [2048, 3072, 0]),
    dropout.check_moving_factor: ([2], [0.5, 1, 4]),
    learning.check_first_loss: ([math.log(1000), 6.908], [math.log(10), 0.999, 3.0, -6.908]),
    learning.check_decay_steps: (
        [math.log(2) / (0.0005 * 0.01 / (1 - 0.9))],
        [math.log(2) / (0.0005 * 0.01), math.log(2) / 0.005, 0.5 / (0.0005 * 0.1)],
    ),
    training.check_run_steps: ([843_750], [9_375, 108_000_000, 90]),
    training.check_images_per_second: ([208.3], [250, 2.31, 104.2]),
    results.check_margin: ([10_900], [10.9, 10_900_000, 16_350]),
    results.check_half_width: ([0.34], [0.17, 0.68, 0.0034]),
    qualitative.check_yellow: ([1 / 3], [2 / 3, 1.0, 0.0]),
    discussion.check_lost_parameters: (
        [384 * (256 * 9) + 384 + 384 * (192 - 128) * 9],
        [885_120, 885_120 + 663_936, 663_936, 885_120 - 221_184],
    ),
    discussion.check_small_kernels: ([(49 - 27) * 256**2], [22, 22 * 256, 27 * 256**2, (49 - 9) * 256**2]),
    source.check_unseen_pixels: ([256**2 - 255**2], [512, 256, 130, 0]),
}


@pytest.mark.parametrize("check", NUMBERS, ids=lambda check: check.__name__)
def test_the_right_number_is_right_and_typical_others_get_a_hint(check):
    right, wrong = NUMBERS[check]
    assert all(check(answer).right for answer in right)
    for answer in wrong:
        assert not check(answer).right
        assert "Hint" in check(answer).message
    assert not check(None).right


def ranks(scores, labels):
    return (scores.argsort(dim=1, descending=True) == labels[:, None]).int().argmax(dim=1) + 1


def halves(x, weight, bias):
    parts = zip(x.chunk(2, 1), weight.chunk(2), bias.chunk(2), strict=True)
    return torch.cat([F.conv2d(*part, padding=1) for part in parts], dim=1)


def window_sum(x, n):
    return F.avg_pool1d(x.flatten(2).transpose(1, 2), n, 1, n // 2).transpose(1, 2).view_as(x) * n


def pooled(a, z, s):
    return a.unfold(-1, z, s).amax(-1).unfold(-2, z, s).amax(-1)


def field(windows):
    side, step = 1, 1
    for z, s in windows:
        side, step = side + (z - 1) * step, step * s
    return side


def cut(images, top, left, flip, size, turn=-1):
    crops = [image[:, y : y + size, x : x + size] for image, y, x in zip(images, top, left, strict=True)]
    return torch.stack([crop.flip(turn) if f else crop for crop, f in zip(crops, flip, strict=True)])


def drop(a, keep, p, training):
    return torch.where(keep.bool(), a / (1 - p), torch.zeros(())) if training else a.clone()


def root_of_the_product(q):
    product = q.prod(dim=0) ** (1 / len(q))  # underflows for 2000 nets
    return product / product.sum()


def product_of_roots(q):
    product = (q.double() ** (1 / len(q))).prod(dim=0)
    return (product / product.sum()).float()


def walk(start, gradients, rates, momentum=0.9, decay=0.0005, late=False):
    w, v, places = start, torch.zeros_like(start), []
    for gradient, rate in zip(gradients, rates, strict=True):
        before, v = v, momentum * v - decay * rate * w - rate * gradient
        w = w + (before if late else v)
        places.append(w)
    return torch.stack(places)


def walk_of_torch(start, gradients, rates):
    weight = nn.Parameter(start.clone())
    optimizer, places = torch.optim.SGD([weight], lr=1, momentum=0.9, weight_decay=0.0005), []
    for gradient, rate in zip(gradients, rates, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        weight.grad = gradient
        optimizer.step()
        places.append(weight.detach().clone())
    return torch.stack(places)


def divisions(errors, patience, most=3, equal_is_better=False, keep_waiting=False):
    best, waited, found = math.inf, 0, []
    for epoch, error in enumerate(errors, 1):
        waited = 0 if error < best or (equal_is_better and error == best) else waited + 1
        best = min(best, error)
        if waited >= patience and len(found) < most:
            found.append(epoch)
            waited = waited if keep_waiting else 0
    return found


def by_moments(x, eps):
    mean = x.mean((0, 2, 3), keepdim=True)
    return (x - mean) * (x.square().mean((0, 2, 3), keepdim=True) - mean.square() + eps).rsqrt()


def first_layer(alpha=1e-4, towers=2, relu_first=False, k=2.0):
    normalize = nn.LocalResponseNorm(5, alpha=alpha, beta=0.75, k=k)  # torch divides alpha by n

    def layer(a):
        a = a.relu() if relu_first else a
        return F.max_pool2d(torch.cat([normalize(part) for part in a.chunk(towers, 1)], 1), 3, 2).relu()

    return layer


def rate(layer, epoch):
    """Run 145 by hand, from the notes in layer-params-145.cfg."""
    if layer == "conv1" and epoch >= 67:
        return 0.00001 if epoch < 72 else 0.0
    return 0.01 if epoch < 25 else 0.001 if epoch < 51 else 0.0001 if epoch < 79 else 0.00001


def error(scores, labels, k):
    return 1 - (scores.topk(k, dim=1).indices == labels[:, None]).any(dim=1).double().mean()


# Checker -> solutions, wrong functions.
FUNCTIONS = {
    introduction.check_training_macs: (
        [lambda layers: sum(m * (2 if i == 0 else 3) for i, m in enumerate(layers))],
        [lambda m: 2 * sum(m), lambda m: 3 * sum(m), lambda m: 3 * sum(m) - m[-1], lambda m: m[8]],
    ),
    dataset.check_ranks: (
        [ranks, lambda s, y: torch.tensor([1 + sum(r > r[c]) for r, c in zip(s, y, strict=True)])],
        [
            lambda s, y: ranks(s, y) - 1,
            lambda s, y: ranks(-s, y),
            lambda s, y: ranks(s, y).float().mean(),
            lambda s, y: ranks(s, y)[:, None],
            lambda s, y: ranks(s, y).tolist(),
        ],
    ),
    dataset.check_centring: (
        [lambda train, x: x.float() - train.float().mean(0), lambda train, x: x - train.double().mean(0)],
        [
            lambda train, x: x.float() - x.float().mean(0),
            lambda train, x: x.float() - train.float().mean(),
            lambda train, x: x - train.float().mean(0).to(torch.uint8),
            lambda train, x: (x.float() - train.float().mean(0)) / 255,
        ],
    ),
    relu.check_backward: (
        [lambda name, a, g: g * ((a > 0) if name == "relu" else 1 - a**2)],
        [
            lambda name, a, g: g,
            lambda name, a, g: g * ((a > 0) if name == "relu" else 1 - torch.tanh(a) ** 2),
            lambda name, a, g: g * ((a > 0) if name == "relu" else 1 - a),
            lambda name, a, g: (a > 0).float() if name == "relu" else 1 - a**2,
        ],
    ),
    relu.check_dead: (
        [lambda z: (z <= 0).all(0), lambda z: ~(z > 0).any(0), lambda z: z.relu().sum(0) == 0],
        [
            lambda z: z.mean(0) <= 0,
            lambda z: (z < 0).all(0),
            lambda z: (z <= 0).all(1),
            lambda z: (z <= 0).all(0).sum(),
        ],
    ),
    towers.check_in_two_towers: (
        [halves],
        [
            lambda x, w, b: F.conv2d(x[:, : x.shape[1] // 2], w, b, padding=1),
            lambda x, w, b: halves(torch.cat(x.chunk(2, 1)[::-1], 1), w, b),
            lambda x, w, b: F.conv2d(x, w, b, groups=2),
        ],
    ),
    towers.check_own_gradient: (
        [lambda first, second, tower: (first + second).chunk(2, 1)[tower]],
        [
            lambda first, second, tower: (first, second)[tower].chunk(2, 1)[tower],
            lambda first, second, tower: first + second,
            lambda first, second, tower: (first + second).chunk(2, 1)[1 - tower],
        ],
    ),
    normalization.check_window_sum: (
        [window_sum],
        [lambda x, n: x, lambda x, n: window_sum(x, n) / n, lambda x, n: window_sum(x, 5)],
    ),
    pooling.check_max_pool: (
        [pooled],
        [
            lambda a, z, s: F.max_pool2d(a, z),
            lambda a, z, s: F.max_pool2d(a, z, s, ceil_mode=True),
            lambda a, z, s: F.avg_pool2d(a, z, s),
            lambda a, z, s: pooled(a, z, s).clamp(min=0),
            lambda a, z, s: pooled(a, s, z),
        ],
    ),
    architecture.check_grouped_parameters: (
        [lambda maps, z, below, towers: maps * (z * z * below // towers) + maps],
        [
            lambda maps, z, below, towers: maps * z * z * below + maps,
            lambda maps, z, below, towers: maps * z * z * below // towers,
            lambda maps, z, below, towers: (maps * z * z * below + maps) // towers,
        ],
    ),
    architecture.check_receptive_field: (
        [field],
        [
            lambda w: sum(z for z, s in w),
            lambda w: 1 + sum(z - 1 for z, s in w),
            lambda w: field(w[::-1]),
            lambda w: w[0],
        ],
    ),
    augmentation.check_crop_and_reflect: (
        [cut],
        [
            lambda *a: cut(*a, turn=-2),
            lambda x, top, left, flip, size: cut(x, top, left, flip & False, size),
            lambda x, top, left, flip, size: cut(x, left, top, flip, size),
            lambda x, top, left, flip, size: x[:, :, :size, :size],
        ],
    ),
    augmentation.check_color_shift: (
        [lambda a, e, p: (a * e) @ p.T, lambda a, e, p: sum(a[:, [i]] * e[i] * p[:, i] for i in range(3))],
        [
            lambda a, e, p: (a * e) @ p,
            lambda a, e, p: a @ p.T,
            lambda a, e, p: (a * e.sqrt()) @ p.T,
            lambda a, e, p: p @ (a[0] * e),
        ],
    ),
    dropout.check_inverted_dropout: (
        [drop],
        [
            lambda a, keep, p, training: a * keep if training else a * (1 - p),
            lambda a, keep, p, training: a * keep / p if training else a,
            lambda a, keep, p, training: a * keep / (1 - p),
            lambda a, keep, p, training: F.dropout(a, p, training),
        ],
    ),
    dropout.check_geometric_mean: (
        [lambda q: q.log().mean(0).softmax(0), product_of_roots],
        [
            lambda q: q.mean(0),
            lambda q: q.log().mean(0).exp(),
            lambda q: q.log().sum(0).softmax(0),
            root_of_the_product,
        ],
    ),
    learning.check_walk: (
        [walk],
        [
            walk_of_torch,
            lambda *a: walk(*a, momentum=0.0),
            lambda *a: walk(*a, decay=0.0),
            lambda *a: walk(*a, late=True),
            lambda *a: walk(*a)[-1],
        ],
    ),
    learning.check_division_epochs: (
        [divisions],
        [
            lambda *a: divisions(*a, most=99),
            lambda *a: divisions(*a, equal_is_better=True),
            lambda *a: divisions(*a, keep_waiting=True),
            lambda *a: [epoch - 1 for epoch in divisions(*a)],
        ],
    ),
    training.check_batch_gradient: (
        [lambda g, n: (n[:, None] * g).sum(0) / n.sum(), lambda g, n: (n / n.sum()).double() @ g],
        [
            lambda g, n: g.mean(0),
            lambda g, n: g.sum(0),
            lambda g, n: (n[:, None] * g).mean(0),
            lambda g, n: (g / n[:, None]).sum(0) * n.sum() / len(n),
        ],
    ),
    results.check_topk: (
        [topk_error, error],
        [
            lambda s, y, k: 1 - error(s, y, k),
            lambda s, y, k: error(-s, y, k),
            lambda s, y, k: error(s, y, 1),
            lambda s, y, k: (s.topk(k).indices == y[:, None]).any(1),
        ],
    ),
    results.check_average: (
        [lambda z: z.softmax(2).mean(0).argmax(1), lambda z: average_nets(list(z.softmax(2))).argmax(1)],
        [
            lambda z: z.mean(0).argmax(1),
            lambda z: z[0].argmax(1),
            lambda z: z.softmax(1).mean(0).argmax(1),
            lambda z: z.softmax(2).mean(0),
        ],
    ),
    qualitative.check_color_share: (
        [colorfulness, lambda k: 1 - k.sum(1).square().sum((1, 2)) / 3 / k.square().sum((1, 2, 3))],
        [
            lambda k: 1 - colorfulness(k),
            lambda k: 1 - k.sum((1, 2, 3)).square() / 3 / k.square().sum((1, 2, 3)),
            lambda k: (k - k.mean(1, keepdim=True)).square().sum((1, 2, 3)),
            lambda k: colorfulness(k).mean(),
        ],
    ),
    qualitative.check_nearest: (
        [
            lambda q, g, k: nearest(q, g, k)[0],
            lambda q, g, k: (g.square().sum(1) - 2 * q @ g.T).topk(k, largest=False).indices,
        ],
        [
            lambda q, g, k: torch.cdist(q, g).topk(k).indices,
            lambda q, g, k: (q @ (g / g.norm(dim=1, keepdim=True)).T).topk(k).indices,
            lambda q, g, k: torch.cdist(q, g).sort(dim=1).values[:, :k],
            lambda q, g, k: torch.cdist(q, g).argsort(dim=1)[:, : k - 1],
        ],
    ),
    discussion.check_batch_norm: (
        [by_moments],
        [
            lambda x, eps: (x - x.mean()) / (x.var(correction=0) + eps).sqrt(),
            lambda x, eps: F.instance_norm(x, eps=eps),
            lambda x, eps: (x - x.mean(0)) / (x.var(0, correction=0) + eps).sqrt(),
            lambda x, eps: (x - x.mean((0, 2, 3), True)) / (x.var((0, 2, 3), keepdim=True) + eps).sqrt(),
            nn.BatchNorm2d,
        ],
    ),
    source.check_first_layer: (
        [first_layer()],
        [
            first_layer(relu_first=True),
            first_layer(alpha=5e-4),
            first_layer(towers=1),
            first_layer(k=1.0),
            lambda a: a.relu(),
        ],
    ),
    source.check_weight_rate: (
        [rate, lambda layer, epoch: rate(layer, epoch) * (1 + 1e-12)],
        [
            lambda layer, epoch: rate("fc8", epoch),
            lambda layer, epoch: rate(layer, max(0, epoch - 1)),
            lambda layer, epoch: 0.01,
            lambda layer, epoch: None,
        ],
    ),
}


@pytest.mark.parametrize("check", FUNCTIONS, ids=lambda check: check.__name__)
def test_solutions_are_right_and_typical_wrong_functions_are_answered(check):
    right, wrong = FUNCTIONS[check]
    for answer in right:
        assert check(answer).right, check(answer).message
    for number, answer in enumerate(wrong):
        assert not check(answer).right, number
    assert "a function is asked for" in check(2).message
    assert "raised ZeroDivisionError" in check(lambda *_: 1 / 0).message


def test_the_neighbors_of_map_46_end_with_its_tower():
    check = normalization.check_neighbors
    assert check([44, 45, 46, 47]).right
    assert check(torch.tensor([47, 46, 45, 44])).right
    for answer in ([44, 45, 46, 47, 48], [45, 46, 47], [46.5], 46, None, torch.ones(2, 2)):
        assert not check(answer).right
