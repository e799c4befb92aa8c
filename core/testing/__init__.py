"""What a plugin's tests stand on: a pytest plugin that ships with Careroom.

    # conftest.py
    pytest_plugins = ["core.testing"]

    # pyproject.toml
    [tool.pytest.ini_options]
    careroom_plugin = "symptom_diary"

Every test then has a migrated database of its own, and asks for what it needs: ``practices`` (two; the plugin is on
in the first and off in the second), ``patient``, ``clinician``, ``receptionist``, ``practice_admin``, ``stranger``
(browsers of people who are signed in), ``open_link`` (a patient's phone behind a link), ``outbox``, ``events``,
``work`` (everything that is due is done, as the worker would). See :mod:`core.testing.fixtures`.

Nothing here is imported when Careroom runs. (PYTEST_DONT_REWRITE: it asserts nothing, and a conftest may import it.)
"""

pytest_plugins = ["core.testing.fixtures", "core.testing.once"]
