from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.method_state import MethodState
    from ..models.provenance import Provenance
    from ..models.task import Task
    from ..models.version_view_report_type_0 import VersionViewReportType0


T = TypeVar("T", bound="VersionView")


@_attrs_define
class VersionView:
    """A version.

    Attributes:
        reference (str): Full name of the version.
        lineage (str): The lineage that the version belongs to.
        number (int): Number of the version; 0 is the base.
        weights (str): Digest of the weights.
        size (int): Size of the weights in bytes.
        tasks (list[Task]): Tasks that the version has merged, in order.
        memory (None | str): Digest of the calibration memory.
        state (MethodState | None): What the merge method keeps of earlier tasks besides the weights.
        provenance (None | Provenance): Parent, inputs, recipe, seed, software and device.
        origin (None | str): The version that this one repeats, after a rollback or a branch.
        created_at (datetime.datetime): When the version was created.
        retired_at (datetime.datetime | None): When retention retired it; its weights may be deleted since.
        weights_url (str): URL of the weights.
        config_url (None | str): URL of the open_clip config; null without an architecture.
        report (None | Unset | VersionViewReportType0): Measurements of the merge that created the version.
    """

    reference: str
    lineage: str
    number: int
    weights: str
    size: int
    tasks: list[Task]
    memory: None | str
    state: MethodState | None
    provenance: None | Provenance
    origin: None | str
    created_at: datetime.datetime
    retired_at: datetime.datetime | None
    weights_url: str
    config_url: None | str
    report: None | Unset | VersionViewReportType0 = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.method_state import MethodState  # noqa: PLC0415
        from ..models.provenance import Provenance  # noqa: PLC0415
        from ..models.version_view_report_type_0 import VersionViewReportType0  # noqa: PLC0415

        reference = self.reference

        lineage = self.lineage

        number = self.number

        weights = self.weights

        size = self.size

        tasks = []
        for tasks_item_data in self.tasks:
            tasks_item = tasks_item_data.to_dict()
            tasks.append(tasks_item)

        memory: None | str
        memory = self.memory

        state: dict[str, Any] | None
        if isinstance(self.state, MethodState):
            state = self.state.to_dict()
        else:
            state = self.state

        provenance: dict[str, Any] | None
        if isinstance(self.provenance, Provenance):
            provenance = self.provenance.to_dict()
        else:
            provenance = self.provenance

        origin: None | str
        origin = self.origin

        created_at = self.created_at.isoformat()

        retired_at: None | str
        if isinstance(self.retired_at, datetime.datetime):
            retired_at = self.retired_at.isoformat()
        else:
            retired_at = self.retired_at

        weights_url = self.weights_url

        config_url: None | str
        config_url = self.config_url

        report: dict[str, Any] | None | Unset
        if isinstance(self.report, Unset):
            report = UNSET
        elif isinstance(self.report, VersionViewReportType0):
            report = self.report.to_dict()
        else:
            report = self.report

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "reference": reference,
                "lineage": lineage,
                "number": number,
                "weights": weights,
                "size": size,
                "tasks": tasks,
                "memory": memory,
                "state": state,
                "provenance": provenance,
                "origin": origin,
                "created_at": created_at,
                "retired_at": retired_at,
                "weights_url": weights_url,
                "config_url": config_url,
            }
        )
        if report is not UNSET:
            field_dict["report"] = report

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.method_state import MethodState  # noqa: PLC0415
        from ..models.provenance import Provenance  # noqa: PLC0415
        from ..models.task import Task  # noqa: PLC0415
        from ..models.version_view_report_type_0 import VersionViewReportType0  # noqa: PLC0415

        d = dict(src_dict)
        reference = d.pop("reference")

        lineage = d.pop("lineage")

        number = d.pop("number")

        weights = d.pop("weights")

        size = d.pop("size")

        tasks = []
        _tasks = d.pop("tasks")
        for tasks_item_data in _tasks:
            tasks_item = Task.from_dict(tasks_item_data)

            tasks.append(tasks_item)

        def _parse_memory(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        memory = _parse_memory(d.pop("memory"))

        def _parse_state(data: object) -> MethodState | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                state_type_0 = MethodState.from_dict(data)

                return state_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(MethodState | None, data)

        state = _parse_state(d.pop("state"))

        def _parse_provenance(data: object) -> None | Provenance:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                provenance_type_0 = Provenance.from_dict(data)

                return provenance_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Provenance, data)

        provenance = _parse_provenance(d.pop("provenance"))

        def _parse_origin(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        origin = _parse_origin(d.pop("origin"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_retired_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                retired_at_type_0 = datetime.datetime.fromisoformat(data)

                return retired_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        retired_at = _parse_retired_at(d.pop("retired_at"))

        weights_url = d.pop("weights_url")

        def _parse_config_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        config_url = _parse_config_url(d.pop("config_url"))

        def _parse_report(data: object) -> None | Unset | VersionViewReportType0:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                report_type_0 = VersionViewReportType0.from_dict(data)

                return report_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | VersionViewReportType0, data)

        report = _parse_report(d.pop("report", UNSET))

        version_view = cls(
            reference=reference,
            lineage=lineage,
            number=number,
            weights=weights,
            size=size,
            tasks=tasks,
            memory=memory,
            state=state,
            provenance=provenance,
            origin=origin,
            created_at=created_at,
            retired_at=retired_at,
            weights_url=weights_url,
            config_url=config_url,
            report=report,
        )

        version_view.additional_properties = d
        return version_view

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
