"""Similarities of ECGs and texts, and embeddings in the plane."""

import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason='figures need the extra "plot"')

from hf_ecg.plotting import plot_embeddings, plot_similarity, project_embeddings


def test_similarity_is_drawn_as_given_and_averaged_by_label():
    values = np.array([[0.9, -0.1], [0.7, 0.1], [0.0, 0.5]])
    axes = plot_similarity(values, ["AF", "AF", "normal"], ["atrial fibrillation", "normal ECG"]).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), values)
    assert axes.images[0].get_clim() == (-0.9, 0.9)
    mean = plot_similarity(values, ["AF", "AF", "normal"], average=True).axes[0]
    np.testing.assert_allclose(mean.images[0].get_array(), [[0.8, 0.0], [0.0, 0.5]], atol=1e-12)
    assert [text.get_text() for text in mean.get_yticklabels()] == ["AF (2)", "normal (1)"]
    assert [text.get_text() for text in mean.texts] == ["0.80", "0.00", "0.00", "0.50"]


def test_similarity_errors():
    with pytest.raises(ValueError, match=r"of shape \(3,\), wanted numbers \(ecgs, texts\)"):
        plot_similarity(np.zeros(3))
    with pytest.raises(ValueError, match="nan at row 0, column 1"):
        plot_similarity([[0.0, np.nan]])
    with pytest.raises(ValueError, match="ecg_labels has 1 names, wanted one for each of 2 rows"):
        plot_similarity(np.eye(2), ["a"])


def test_embeddings_keep_groups_apart_and_name_them():
    generator = np.random.default_rng(0)
    labels = ["AF"] * 20 + ["normal"] * 25 + [None] * 5
    centres = np.repeat(np.eye(3, 8) * 5, [20, 25, 5], axis=0)
    values = centres + 0.1 * generator.normal(size=(50, 8))
    figure = plot_embeddings(values, labels)
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert texts == ["no label (5)", "normal (25)", "AF (20)"]
    points = project_embeddings(values)
    np.testing.assert_array_equal(points, project_embeddings(values))
    within = np.linalg.norm(points[:20] - points[:20].mean(0), axis=1).max()
    assert np.linalg.norm(points[:20].mean(0) - points[20:45].mean(0)) > within


def test_rare_labels_share_a_colour():
    labels = [f"class {i}" for i in range(25)] + ["class 0"] * 5
    figure = plot_embeddings(np.random.default_rng(0).normal(size=(30, 4)), labels)
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert len(texts) == 20 and texts[0] == "class 0 (6)" and texts[-1] == "6 rarer labels (6)"


def test_embedding_errors(monkeypatch):
    values = np.random.default_rng(0).normal(size=(10, 4))
    with pytest.raises(ValueError, match="labels has 1 entries, wanted one for each of 10"):
        plot_embeddings(values, ["a"])
    with pytest.raises(ValueError, match="method is 'pca', wanted one of tsne, umap"):
        project_embeddings(values, "pca")
    with pytest.raises(ValueError, match="at least four rows"):
        project_embeddings(values[:3])
    with pytest.raises(ValueError, match="row 2 of embeddings is zero"):
        project_embeddings(values * (np.arange(10) != 2)[:, None])
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ImportError, match=r"pip install umap-learn, .*\.\[umap\]"):
        project_embeddings(values, "umap")
