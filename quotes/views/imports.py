"""Import: paste or drop, look at what would happen, confirm."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from quotes.forms.imports import ImportForm
from quotes.models import ImportDraft, Insured
from quotes.services.importing import drafts, template
from quotes.services.importing.columns import TARGETS, Target
from quotes.services.importing.entry import Blocked, ChangedMeanwhile, Outcome, column_code, prepare
from quotes.services.importing.preview import Preview
from quotes.services.origins import How
from quotes.services.reading import Mistake, Unreadable
from quotes.views.access import PortalRequest, Whose, get_or_absent, may_edit, touched

MOST_PROBLEMS = 100
MOST_QUOTES = 200
KINDS = {
    "csv": ("text/csv; charset=utf-8", template.template_csv),
    "xlsx": (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        template.template_xlsx,
    ),
}


@require_http_methods(["GET", "HEAD", "POST"])
def import_new(request: PortalRequest) -> HttpResponse:
    """Take in what is pasted or dropped; `?insured=` says whose quotes nameless rows are."""
    _brokers_only(request)
    insured = _target(request)
    if request.method != "POST":
        return _new(request, ImportForm(), insured)
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _new(request, form, insured, status=422)
    file, text = form.cleaned_data["file"], form.cleaned_data["text"]
    try:
        draft = drafts.keep_draft(
            raw=file.read() if file else text.encode(),
            name=file.name if file else "",
            how=How.IMPORTED if file else How.PASTED,
            owner=request.user,
            insured=insured,
        )
    except Unreadable as error:
        return _new(request, form, insured, status=422, mistakes=error.mistakes)
    return redirect("quotes:import_preview", pk=draft.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def import_preview(request: PortalRequest, pk: UUID) -> HttpResponse:
    """What the import would do; by POST its columns are said anew, or it is done or dropped."""
    _brokers_only(request)
    rows = ImportDraft.objects.visible_to(request.user).select_related("insured", "owner")
    draft = get_or_absent(rows, pk)
    if draft.insured and not may_edit(request.user, draft.insured):
        raise Http404("No such page.")
    if request.method != "POST":
        return _preview(request, draft, _prepared(draft))
    wanted = request.POST.get("do")
    if wanted == "discard":
        draft.delete()
        touched(did="discard")
        messages.info(request, "The import was discarded. Nothing was saved.")
        return _back(draft.insured_id)
    drafts.set_mapping(draft, _posted_mapping(request, draft))
    if wanted != "import":
        return redirect("quotes:import_preview", pk=draft.pk)
    try:
        outcome = drafts.confirm_draft(draft, seal=request.POST.get("seal", ""))
    except ImportDraft.DoesNotExist:
        messages.info(request, "This import was confirmed or discarded already.")
        return _back(draft.insured_id)
    except Blocked as error:
        return _preview(request, draft, error.preview, status=422, refused="blocked")
    except ChangedMeanwhile as error:
        return _preview(request, draft, error.preview, status=422, refused="changed")
    touched(*(Whose(pk, None) for pk in outcome.insureds), did="import")
    messages.success(request, _told(outcome))
    only = outcome.insureds[0] if len(set(outcome.insureds)) == 1 else None
    return _back(draft.insured_id or only)


@require_safe
def import_template(request: PortalRequest, kind: str) -> HttpResponse:
    """The table to start from, filled with an example."""
    _brokers_only(request)
    if kind not in KINDS:
        raise Http404("No such page.")
    content_type, made = KINDS[kind]
    response = HttpResponse(made(), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{template.NAME}.{kind}"'
    return response


def _brokers_only(request: PortalRequest) -> None:
    if not request.user.is_broker:
        raise PermissionDenied


def _target(request: PortalRequest) -> Insured | None:
    """The insured the import was opened for; one that is not the broker's is absent."""
    stated = request.GET.get("insured", "")
    if not stated:
        return None
    try:
        pk = UUID(stated)
    except ValueError:
        raise Http404("No such page.") from None
    return get_or_absent(Insured.objects.editable_by(request.user), pk)


def _back(insured: UUID | None) -> HttpResponse:
    if insured:
        return redirect("quotes:insured_detail", pk=insured)
    return redirect("quotes:insured_list")


def _new(
    request: PortalRequest,
    form: ImportForm,
    insured: Insured | None,
    *,
    status: int = 200,
    mistakes: list[Mistake] | None = None,
) -> HttpResponse:
    told = mistakes or []
    context = {
        "form": form,
        "insured": insured,
        "mistakes": told[:MOST_PROBLEMS],
        "more_mistakes": max(0, len(told) - MOST_PROBLEMS),
    }
    return render(request, "quotes/import_new.html", context, status=status)


def _prepared(draft: ImportDraft) -> Preview:
    return prepare(drafts.incoming_of(draft))


def _posted_mapping(request: PortalRequest, draft: ImportDraft) -> dict[str, str]:
    """What the selects say; columns that were not on the page keep what was said of them."""
    mapping = dict(drafts.incoming_of(draft).mapping)
    for name, stated in request.POST.items():
        value = str(stated)
        if name.startswith("column-") and (value in TARGETS or not value):
            table, _, column = name.removeprefix("column-").partition("-")
            if table.isdecimal() and column.isdecimal() and len(table + column) < 9:
                mapping[column_code(int(table), int(column))] = value
    return mapping


def _told(outcome: Outcome) -> str:
    counts, insureds = outcome.preview.quote_counts, outcome.preview.insured_counts
    done = []
    if counts.created:
        done.append(f"{counts.created} quote{_s(counts.created)} added")
    if counts.changed:
        done.append(f"{counts.changed} updated")
    if counts.unchanged:
        done.append(f"{counts.unchanged} already there")
    if insureds.created:
        done.append(f"{insureds.created} insured{_s(insureds.created)} added")
    if insureds.changed:
        done.append(f"{insureds.changed} insured{_s(insureds.changed)} updated")
    return f"Imported: {', '.join(done) or 'nothing new'}."


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _preview(
    request: PortalRequest,
    draft: ImportDraft,
    preview: Preview,
    *,
    status: int = 200,
    refused: str = "",
) -> HttpResponse:
    context: dict[str, Any] = {
        "draft": draft,
        "insured": draft.insured,
        "preview": preview,
        "insured_counts": preview.insured_counts,
        "quote_counts": preview.quote_counts,
        "problems": preview.problems[:MOST_PROBLEMS],
        "more_problems": max(0, len(preview.problems) - MOST_PROBLEMS),
        "warnings": preview.warnings[:MOST_PROBLEMS],
        "more_warnings": max(0, len(preview.warnings) - MOST_PROBLEMS),
        "mapped": _mapped(preview),
        "choices": _choices(),
        "refused": refused,
        **_shown(preview),
    }
    context["unmapped"] = sum(
        not column["target"] for table in context["mapped"] for column in table["columns"]
    )
    return render(request, "quotes/import_preview.html", context, status=status)


def _shown(preview: Preview) -> dict[str, Any]:
    """As many households as hold `MOST_QUOTES` quotes, and how many quotes are left out."""
    shown, quotes = [], 0
    for insured in preview.insureds:
        if quotes >= MOST_QUOTES:
            break
        room = MOST_QUOTES - quotes
        shown.append((insured, insured.quotes[:room]))
        quotes += len(insured.quotes[:room])
    return {"shown": shown, "more_quotes": len(preview.quotes) - quotes}


def _mapped(preview: Preview) -> list[dict[str, Any]]:
    """The columns of every table with what each may be."""
    return [
        {
            "name": table.name,
            "columns": [
                {
                    "name": f"column-{number}-{heading.index}",
                    "text": heading.text,
                    "sample": heading.sample,
                    "target": heading.target,
                }
                for heading in table.headings
            ],
        }
        for number, table in enumerate(preview.tables)
    ]


def _choices() -> list[tuple[str, list[Target]]]:
    """What a column can be, by group, in the catalogue's order."""
    groups: dict[str, list[Target]] = {}
    for target in TARGETS.values():
        groups.setdefault(target.group, []).append(target)
    return list(groups.items())
