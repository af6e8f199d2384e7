import numpy as np
from support.sketches import ring, seven, sheet

from mnist_mlp.pictures.digits import digits_in
from mnist_mlp.pictures.figure import reading_figure


def test_boxes_and_labels_lie_on_the_picture_beside_what_the_network_saw():
    picture = sheet()
    ring(picture, 40, 50, 90)
    seven(picture, 180, 50, 90)
    digits = digits_in(picture)
    page, *cells = reading_figure(picture, digits, ["0", "?"], np.array([0.98, 0.3])).axes
    assert (page.images[0].get_array() == picture).all()
    assert [box.get_bbox().extents.tolist() for box in page.patches] == [list(digit.box) for digit in digits]
    assert [text.get_text() for text in page.texts] == ["0", "?"]
    assert page.patches[0].get_edgecolor() != page.patches[1].get_edgecolor()  # the second was refused
    assert [cell.get_title() for cell in cells[:3]] == ["0  98%", "?  30%", ""]
    assert all((cell.images[0].get_array() == digit.image).all() for cell, digit in zip(cells, digits))
    assert not cells[2].images
