import numpy as np

from mnist_mlp.pictures.geometry import bounds, distance_to_edge, enlarge_to, shrink_to


def test_only_larger_pictures_shrink_and_only_smaller_ones_grow():
    picture = np.zeros((50, 200), np.uint8)
    assert shrink_to(picture, 100).shape == (25, 100)
    assert enlarge_to(picture, 400).shape == (100, 400)
    assert shrink_to(picture, 200) is enlarge_to(picture, 200) is picture
    assert shrink_to(np.zeros((1, 5000), np.uint8), 100).shape == (1, 100)


def test_bounds_are_left_top_right_and_bottom():
    mask = np.zeros((10, 20), bool)
    mask[3:7, 5:12] = True
    assert bounds(mask) == (5, 3, 12, 7)


def test_the_edge_lies_between_pixels():
    stroke = np.zeros((9, 9), np.uint8)
    stroke[:, 3:6] = 1
    assert distance_to_edge(stroke)[4].tolist() == [0, 0, 0, 0.5, 1.5, 0.5, 0, 0, 0]
