import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional as F

from lambda_core.backbones.networks import conv4
from lambda_core.kernels.norm_pool import norm_pool
from tests.support.oracle import plain_conv4

NEGATIVE = torch.tensor([False, True, False, True])


@pytest.mark.parametrize("size", [(4, 4), *(pytest.param(size, marks=pytest.mark.slow) for size in [(5, 6), (7, 7)])])
@pytest.mark.parametrize("negative", [NEGATIVE, torch.zeros(4, dtype=torch.bool)])
def test_first_and_second_gradients_equal_finite_differences(size, negative):
    torch.manual_seed(0)
    x = torch.randn(3, 4, *size, dtype=torch.float64).to(memory_format=torch.channels_last).requires_grad_()
    assert gradcheck(lambda x: norm_pool(x, negative, 1e-5), x)
    assert gradgradcheck(lambda x: norm_pool(x, negative, 1e-5), x)


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_it_is_normalisation_then_pooling(layout):
    x = torch.randn(3, 4, 6, 6, dtype=torch.float64).to(memory_format=layout)
    unit = F.batch_norm(x, None, None, training=True)
    plain = torch.where(NEGATIVE.view(1, 4, 1, 1), -F.max_pool2d(-unit, 2), F.max_pool2d(unit, 2))
    assert torch.allclose(norm_pool(x, NEGATIVE, 1e-5), plain, atol=1e-12)


def test_4_conv_is_the_textbook_network():
    torch.manual_seed(0)
    fast, plain = conv4(5, 8, 3, 32).double(), plain_conv4(5, 8, 3, 32).double()
    for name, parameter in fast.named_parameters():
        if name.endswith("norm.weight"):
            torch.nn.init.uniform_(parameter, -1, 1)
    plain.load_state_dict(fast.state_dict())
    x = torch.randn(6, 3, 32, 32, dtype=torch.float64)
    assert torch.allclose(fast(x), plain(x), atol=1e-10)
    fast(x).square().sum().backward()
    with torch.no_grad():
        assert torch.allclose(fast(x), plain(x), atol=1e-10)
    plain(x).square().sum().backward()
    for ours, theirs in zip(fast.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, rtol=1e-7, atol=1e-10)
