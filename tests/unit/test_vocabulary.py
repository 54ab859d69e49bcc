"""The words of the project: identifiers and public text use the terms of the field, see docs/reference/glossary.md.

Identifiers are the names that code binds: modules, classes, functions, arguments, variables. Names that it only uses, such as
attributes of a library, do not count. Public text is the documentation, the OpenAPI document and the help of the commands.
"""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.http.problems import PROBLEM_TYPES
