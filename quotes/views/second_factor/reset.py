"""Taking a lost second factor from somebody: an administrator does it, with a reason."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from quotes.models import User
from quotes.services import second_factor as service
from quotes.services.transfer import NotMoved
from quotes.views.access import PortalRequest


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Reason",
        max_length=300,
        help_text="How you know that it is they who ask. It stays in the access log.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def take_away(request: PortalRequest, pk: int) -> HttpResponse:
    """Raises PermissionDenied for everybody but administrators."""
    if not request.user.sees_all:
        raise PermissionDenied
    person = get_object_or_404(User, pk=pk)
    form = ReasonForm(request.POST or None)
    why_not = service.why_not_taken(person, request.user)
    context = {"person": person, "form": form, "why_not": why_not}
    if request.method != "POST":
        return render(request, "mfa/take_away.html", context)
    if why_not or not form.is_valid():
        return render(request, "mfa/take_away.html", context, status=409 if why_not else 422)
    try:
        service.take_away(person=person, actor=request.user, reason=form.cleaned_data["reason"])
    except (service.NotTaken, NotMoved) as error:
        form.add_error("reason", str(error))
        return render(request, "mfa/take_away.html", context, status=409)
    messages.success(
        request, f"{person.shown_name} has no second factor any more and was signed out everywhere."
    )
    return redirect(reverse("admin:quotes_user_change", args=[person.pk]))
