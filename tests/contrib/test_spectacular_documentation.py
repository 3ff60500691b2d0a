"""docs/openapi.md: its code works, and its table names the schemes."""

from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from drf_spectacular.views import SpectacularJSONAPIView

from example_project import settings as example
from tests.support.documents import blocks, read, section, table
from tot_jwt.contrib.spectacular import schemes

PAGE = read("docs/openapi.md")


def run(part):
    """Run the code that contains this text, and return its names."""
    [source] = [block for block in blocks(PAGE, "python") if part in block]
    names = {}
    exec(source, names)  # noqa: S102 - the documentation's own code
    return names


def test_page_configures_the_example():
    names = run("INSTALLED_APPS = ")

    assert set(names["INSTALLED_APPS"]) <= set(example.INSTALLED_APPS)
    assert names["REST_FRAMEWORK"].items() <= example.REST_FRAMEWORK.items()
    for name in "SWAGGER_UI_DIST", "SWAGGER_UI_FAVICON_HREF", "SERVE_AUTHENTICATION":
        assert names["SPECTACULAR_SETTINGS"][name] == example.SPECTACULAR_SETTINGS[name]
    assert names["SPECTACULAR_SETTINGS"].keys() >= {"TITLE", "VERSION"}


def test_page_mounts_schema_and_docs():
    [schema, docs] = run("urlpatterns = ")["urlpatterns"]

    assert schema.resolve("api/schema/").url_name == "schema"
    assert docs.resolve("api/docs/").url_name == "docs"


def test_page_lists_all_schemes():
    listed = " ".join(row[0] for row in table(section(PAGE, "Security schemes")))

    for name in schemes.TOKEN, schemes.OAUTH2, schemes.CLIENT, *schemes.KEYS:
        assert f"`{name}`" in listed


def test_hook_of_page_filters_paths():
    only_api = run("def only_api")["only_api"]

    assert only_api([("/api/token", "", "GET", None), ("/oauth/token", "", "POST", None)]) == [
        ("/api/token", "", "GET", None)
    ]


def test_named_hook_runs_before_others():
    hooks = run("POSTPROCESSING_HOOKS")["SPECTACULAR_SETTINGS"]["POSTPROCESSING_HOOKS"]
    named = [hook.replace("shop.hooks.change", f"{__name__}.list_paths") for hook in hooks]

    with patched_settings({"POSTPROCESSING_HOOKS": named}):
        schema = SchemaGenerator(patterns=[path("", include("tot_jwt.urls"))]).get_schema()

    assert "/token" in schema["x-paths"]


def test_hooks_of_schema_view_replace(rf):
    """A schema view with hooks of its own has the endpoints only if it names ours."""
    hooks = run("POSTPROCESSING_HOOKS")["SPECTACULAR_SETTINGS"]["POSTPROCESSING_HOOKS"][:2]
    patterns = [path("", include("tot_jwt.urls"))]

    def paths(names):
        custom = {"POSTPROCESSING_HOOKS": names}
        view = SpectacularJSONAPIView.as_view(patterns=patterns, custom_settings=custom)
        return view(rf.get("/schema")).data["paths"]

    assert "/token" in paths(hooks)
    assert paths(hooks[:1]) == {}


def list_paths(result, **kwargs):
    """Return the schema with a list of its paths, as the hook of a host."""
    return {**result, "x-paths": list(result["paths"])}
