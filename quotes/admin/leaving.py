"""Making somebody inactive, handing their insureds over, and letting them in again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from quotes.admin.people_forms import HandOverForm
from quotes.models import Insured, User
from quotes.services import people, transfer
from quotes.services.transfer import Moved

MOST_LISTED = 50


class LeavingPages:
    """The pages of `UserAdmin` about leaving; a part of it, kept in a file of its own."""

    admin_site: Any
    opts: Any

    def leaving_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/leave/", view(self.leave), name="quotes_user_leave"),
            path("<int:pk>/hand-over/", view(self.hand_over), name="quotes_user_hand_over"),
            path("<int:pk>/activate/", view(self.activate_one), name="quotes_user_activate"),
        ]

    def person_to_change(self, request: HttpRequest, pk: int) -> User:
        """Raises Http404, and PermissionDenied for whom this administrator may not touch."""
        person = User.objects.select_related("office").filter(pk=pk).first()
        if person is None:
            raise Http404("No such person.")
        if not self.has_change_permission(request, person):  # type: ignore[attr-defined]
            raise PermissionDenied
        return person

    def back_to(self, person: User) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:quotes_user_change", args=[person.pk]))

    def told(self, request: HttpRequest, said: str, level: int = messages.SUCCESS) -> None:
        messages.add_message(request, level, said)

    def leave(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask to whom the insureds go, then make the person inactive: all at once."""
        person = self.person_to_change(request, pk)
        if person == request.user:
            self.told(request, "Nobody makes themselves inactive.", messages.ERROR)
            return self.back_to(person)
        if not person.is_active:
            self.told(request, f"{person.shown_name} is inactive already.", messages.INFO)
            return self.back_to(person)
        holding = people.holding_of(person)
        form = self._form(request, person, leaving=True) if holding.insureds else None
        said = ""
        if request.method == "POST" and (form is None or form.is_valid()):
            try:
                moved = people.deactivate(
                    person=person,
                    actor=_admin(request),
                    reason=form.cleaned_data["reason"] if form else "",
                    successor=form.successor if form else None,
                )
            except (people.NotDone, transfer.NotMoved) as error:
                said, person = str(error), self.person_to_change(request, pk)
                if not person.is_active:  # The form would ask what is settled already.
                    self.told(request, said, messages.WARNING)
                    return self.back_to(person)
            else:
                self.log_change(request, person, "Made inactive.")  # type: ignore[attr-defined]
                self.told(request, f"{person.shown_name} is inactive and signed out everywhere.")
                return self._done(request, person, form.successor if form else None, moved)
        return self._page(request, person, form, holding, said, leaving=True)

    def hand_over(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give all insureds of somebody, who may stay or have left, to another broker."""
        person = self.person_to_change(request, pk)
        holding = people.holding_of(person)
        if not holding.insureds:
            self.told(request, f"{person.shown_name} has no insureds.", messages.INFO)
            return self.back_to(person)
        form, said = self._form(request, person, leaving=False), ""
        if request.method == "POST" and form.is_valid():
            successor = form.successor
            assert successor is not None  # noqa: S101 - the form asked for one
            try:
                moved = transfer.transfer_insureds(
                    from_user=person,
                    to_user=successor,
                    actor=_admin(request),
                    reason=form.cleaned_data["reason"],
                )
            except transfer.NotMoved as error:
                said = str(error)
            else:
                self.log_change(request, person, "Insureds handed over.")  # type: ignore[attr-defined]
                return self._done(request, person, successor, moved)
        return self._page(request, person, form, holding, said, leaving=False)

    def activate_one(self, request: HttpRequest, pk: int) -> HttpResponse:
        person = self.person_to_change(request, pk)
        if request.method != "POST":
            return self.back_to(person)
        try:
            people.reactivate(person=person, actor=_admin(request))
        except people.NotDone as error:
            self.told(request, str(error), messages.ERROR)
        else:
            self.log_change(request, person, "Made active.")  # type: ignore[attr-defined]
            self.told(
                request,
                f"{person.shown_name} is active again, with the password they had. A link lets "
                "them set a new one.",
            )
        return self.back_to(person)

    def _form(self, request: HttpRequest, person: User, *, leaving: bool) -> HandOverForm:
        return HandOverForm(
            request.POST if request.method == "POST" else None,
            person=person,
            brokers=transfer.successors(_admin(request), besides=person),
            leaving=leaving,
        )

    def _page(
        self,
        request: HttpRequest,
        person: User,
        form: HandOverForm | None,
        holding: people.Holding,
        said: str,
        *,
        leaving: bool,
    ) -> HttpResponse:
        title = f"Make {person.shown_name} inactive" if leaving else (
            f"Hand over the insureds of {person.shown_name}"
        )  # fmt: skip
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "person": person,
            "form": form,
            "holding": holding,
            "said": said,
            "leaving": leaving,
        }
        status = 422 if request.method == "POST" else 200
        return TemplateResponse(request, "admin/quotes/user/leave.html", context, status=status)

    def _done(
        self, request: HttpRequest, person: User, successor: User | None, moved: Moved | None
    ) -> HttpResponse:
        if moved is None or successor is None:
            return self.back_to(person)
        count = len(moved.insureds)
        self.told(
            request,
            f"{count} insured{'' if count == 1 else 's'} went to {successor.shown_name}, with "
            f"{moved.runs} run{'' if moved.runs == 1 else 's'}.",
        )
        if not moved.apart:
            return self.back_to(person)
        twins = Insured.objects.filter(pk__in=moved.apart[:MOST_LISTED]).order_by("applicant_name")
        context = {
            **self.admin_site.each_context(request),
            "title": "Households that are there twice",
            "opts": self.opts,
            "person": person,
            "successor": successor,
            "twins": twins.only("applicant_name", "city", "state", "zip_code"),
            "more": len(moved.apart) - MOST_LISTED,
        }
        return TemplateResponse(request, "admin/quotes/user/apart.html", context)


def _admin(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the admin lets nobody else in
    return request.user
