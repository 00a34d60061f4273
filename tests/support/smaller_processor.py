"""The beginning of a program that takes this processor for one without AVX-512, where its argument is `narrow`."""

MAYBE_NARROW = """
import llvmlite.binding, sys
if sys.argv[1] == "narrow":
    features = llvmlite.binding.get_host_cpu_features()
    features.update({name: False for name in features if name.startswith("avx512")})
    llvmlite.binding.get_host_cpu_features = lambda: features
"""
