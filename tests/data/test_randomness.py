from mnist_mlp.data.randomness import seed_for


def test_seeds_repeat_and_differ_by_every_argument():
    seeds = [seed_for("shuffle", 0, 1), seed_for("shuffle", 1, 0), seed_for("dropout", 0, 1), seed_for("shuffle", 0)]
    assert len(set(seeds)) == 4
    assert seeds[0] == seed_for("shuffle", 0, 1)
    assert all(0 <= seed < 2**63 for seed in seeds)
