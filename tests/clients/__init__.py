import pytest

pytest.register_assert_rewrite(f"{__name__}.behaviours")  # what a client cannot do is known by what its failure shows
