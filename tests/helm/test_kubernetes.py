"""Kubernetes takes what the chart renders: every value file, by the schemas of the supported versions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

from server import __version__
from tests.compose.programs import needed_module
from tests.helm.chart import CHART, VALUE_FILES, render, values_of

if TYPE_CHECKING:
    from tests.helm.chart import Document

# From the oldest that Chart.yaml admits to the newest that there are schemas for; kinds and fields change rarely, so
# not each in between.
VERSIONS = ("1.27", "1.30", "1.34", "1.37")

# Of operators and of the Gateway API: their schemas aren't Kubernetes' own; test_network.py and test_watching.py look.
FOREIGN = {"HTTPRoute", "PodMonitor", "ServiceMonitor", "PrometheusRule"}

NAMES = [path.name.removesuffix("-values.yaml") for path in VALUE_FILES]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", NAMES)
def test_rendered_documents_fit_the_schemas_of_kubernetes(name: str, version: str) -> None:
    kubernetes = needed_module("kubernetes_validate", "kubernetes-validate")
    documents = [document for document in render(values_of(name)).documents if document["kind"] not in FOREIGN]
    assert documents
    for document in documents:
        kubernetes.validate(document, version, strict=True)


def test_the_schemas_would_notice_a_misspelt_field() -> None:
    kubernetes = needed_module("kubernetes_validate", "kubernetes-validate")
    deployment = render(values_of("minimal")).one("Deployment")
    deployment["spec"]["template"]["spec"]["terminationGracePeriod"] = 83
    with pytest.raises(kubernetes.ValidationError):
        kubernetes.validate(deployment, VERSIONS[-1], strict=True)


def test_the_oldest_version_tried_is_the_oldest_admitted() -> None:
    assert _chart_file()["kubeVersion"] == f">={VERSIONS[0]}.0-0"


def test_value_files_use_every_kind_of_document() -> None:
    rendered = {document["kind"] for name in NAMES for document in render(values_of(name)).documents}
    templates = "\n".join(path.read_text(encoding="utf-8") for path in CHART.glob("templates/**/*.yaml"))
    written = set(re.findall(r"^kind: (\w+)$", templates, re.MULTILINE)) | {"PodMonitor", "ServiceMonitor"}
    assert rendered == written


def test_names_and_labels_are_short_enough_for_long_releases() -> None:
    rendered = render(values_of("trial"), release="r" * 53)
    assert all(len(document["metadata"]["name"]) <= 63 for document in rendered.documents)


def test_release_named_like_the_chart_does_not_say_it_twice() -> None:
    assert render(values_of("minimal"), release="my-shoal").one("Deployment", "my-shoal")
    assert render(values_of("minimal"), release="chat").one("Deployment", "chat-shoal")


def test_selectors_find_nodes_only() -> None:
    rendered = render(values_of("trial"))
    nodes = rendered.one("Deployment")["spec"]
    assert nodes["selector"]["matchLabels"] == rendered.one("Service")["spec"]["selector"]
    for other in (rendered.one("Deployment", "shoal-valkey")["spec"]["template"], rendered.one("Pod", "shoal-test")):
        labels = other["metadata"]["labels"]
        assert labels["app.kubernetes.io/component"] != nodes["selector"]["matchLabels"]["app.kubernetes.io/component"]


def test_chart_installs_this_release() -> None:
    assert _chart_file()["appVersion"] == __version__


def test_helm_finds_nothing_to_complain_about() -> None:
    helm = needed_module("helm_python", "helm-python-sdk")
    report = helm.lint(CHART, values_of("production"), strict=True)
    complaints = [message for message in report["messages"] if message["severity"] >= 2]
    assert (complaints, report["errors"]) == ([], [])


def _chart_file() -> Document:
    found: Document = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    return found
