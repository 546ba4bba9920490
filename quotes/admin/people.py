"""People and their roles. A person is never deleted: what they did stays theirs.

Administrators set no passwords: they make a link, by which the person sets one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from quotes.admin.leaving import LeavingPages
from quotes.admin.people_forms import InviteForm, PersonForm
from quotes.admin.site import site
from quotes.models import Insured, Role, User
from quotes.services import links, people
from quotes.services.second_factor import WORDS, factors_of

if TYPE_CHECKING:
    BaseUserAdmin = DjangoUserAdmin[User]
else:
    BaseUserAdmin = DjangoUserAdmin

ROLES = (
    "Brokers work on their own insureds and those shared with them. Managers read the work of "
    "their office and of those they oversee. Admins read all and use these pages."
)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _plain(field: Any) -> None:
    """Without the ways to add, change or delete what is chosen: those have pages of their own."""
    for offer in ("add", "change", "delete", "view"):
        setattr(field.widget, f"can_{offer}_related", False)


def _role_label(group: Any) -> str:
    return str(Role(group.name).label) if group.name in Role.values else str(group.name)


@admin.register(User, site=site)
class UserAdmin(LeavingPages, BaseUserAdmin):
    """Roles are given by group. Only a superuser makes, or touches, another superuser."""

    form = PersonForm
    add_form = InviteForm
    add_form_template = None
    change_form_template = "admin/quotes/user/change_form.html"
    list_display = (
        "username", "full_name", "office", "roles", "last_login", "is_active", "is_demo",
    )  # fmt: skip
    list_filter = ("is_active", "groups", "office", "is_demo")
    list_select_related = ("office",)
    search_fields = ("username", "first_name", "last_name")
    search_help_text = "Username or name of a person of the agency"
    list_per_page = 50
    filter_horizontal = ()
    actions = ("deactivate", "activate")
    readonly_fields = (
        "active", "is_demo", "is_staff", "last_login", "date_joined", "insureds_held",
        "password_state", "second_factor",
    )  # fmt: skip
    fieldsets = (
        ("Person", {"fields": ("username", "first_name", "last_name", "email", "version")}),
        (
            "Role",
            {"fields": ("groups", "office", "oversees", "is_superuser"), "description": ROLES},
        ),
        (
            "Account",
            {
                "fields": (
                    "active", "insureds_held", "password_state", "is_staff", "is_demo",
                    "last_login", "date_joined",
                ),
                "description": "A person who leaves is made inactive, by the button above: that "
                "signs them out at once and keeps what they did.",
            },
        ),
    )  # fmt: skip
    add_fieldsets = (
        (
            "Person",
            {
                "fields": ("username", "first_name", "last_name", "email"),
                "description": "They set their password themselves: you get a link for them when "
                "you save.",
            },
        ),
        ("Role", {"fields": ("groups", "office", "oversees"), "description": ROLES}),
    )

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        link: URLPattern = path("<int:pk>/link/", view(self.link), name="quotes_user_link")
        # Past Django's own, which would let an administrator choose and know a password.
        return [link, *self.leaving_urls(), *super(DjangoUserAdmin, self).get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs |= {"widget": forms.CheckboxSelectMultiple, "label": "Roles", "help_text": ""}
        if db_field.name == "oversees":
            kwargs |= {"widget": forms.CheckboxSelectMultiple, "label": "Also oversees"}
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "oversees" and field is not None:
            _plain(field)
        if db_field.name == "groups" and isinstance(field, forms.ModelMultipleChoiceField):
            field.label_from_instance = _role_label  # type: ignore[assignment,method-assign]
        return field

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "office" and field is not None:
            _plain(field)
            field.help_text = (
                "Needed for brokers and managers. Insureds go along with their broker: managers "
                "of another office see them then."
            )
        return field

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fixed = tuple(str(name) for name in self.readonly_fields)
        if not _is_superuser(request):
            fixed += ("is_superuser",)
        if obj is not None and obj.pk == request.user.pk:
            # Nobody locks themselves out by a slip.
            fixed += ("groups", "is_superuser")
        return tuple(dict.fromkeys(fixed))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_superuser and not _is_superuser(request):
            return False
        return bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        person: User = form.instance
        # Entrance to these pages follows the role, so that it is granted in one place.
        staff = person.is_superuser or person.groups.filter(name=Role.ADMIN).exists()
        if person.is_staff != staff:
            person.is_staff = staff
            person.save(update_fields=["is_staff"])
        actor: Any = request.user
        people.record_changes(actor=actor, person=person, before=form.before)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        person = kwargs.get("obj")
        if person is not None:
            context["person"] = person
            context["holds"] = Insured.objects.filter(owner=person).count()
            context["is_self"] = person == request.user
            context["no_link"] = links.refusal(person)
        else:
            context |= {"show_save_and_continue": False, "show_save_and_add_another": False}
        return super().render_change_form(request, context, *args, **kwargs)

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Store somebody new, then make and mail the link: the mail server is not waited for
        while the database is locked."""
        response: HttpResponse = super().add_view(request, *args, **kwargs)
        invited = getattr(request, "invited", None)
        return response if invited is None else self._show_link(request, invited)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: Any = None
    ) -> HttpResponse:
        request.invited = obj  # type: ignore[attr-defined]
        return HttpResponseRedirect(reverse("admin:quotes_user_change", args=[obj.pk]))

    def link(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make a link by which the person sets a password: asked for first, shown once."""
        person = self.person_to_change(request, pk)
        if said := links.refusal(person):
            self.told(request, said, messages.ERROR)
            return self.back_to(person)
        if request.method == "POST":
            return self._show_link(request, person)
        return self._link_page(request, person)

    def _show_link(self, request: HttpRequest, person: User) -> HttpResponse:
        actor: Any = request.user
        try:
            where = links.make_link(person=person, actor=actor)
        except links.NoLink as error:
            self.told(request, str(error), messages.ERROR)
            return self.back_to(person)
        self.log_change(request, person, "Made a link to set a password.")
        # The link was signed over the person as stored a moment ago.
        mailed = links.mail_link(person=person, path=where)
        base = settings.PORTAL_URL or request.build_absolute_uri("/").rstrip("/")
        return self._link_page(request, person, link=base + where, mailed=mailed)

    def _link_page(self, request: HttpRequest, person: User, **extra: Any) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"A link for {person.shown_name}",
            "opts": self.opts,
            "person": person,
            "first": not person.has_usable_password(),
            "days": links.lifetime().days,
            "mail_on": settings.MAIL_ON,
            **extra,
        }
        return TemplateResponse(request, "admin/quotes/user/link.html", context)

    @admin.display(description="second factor")
    def second_factor(self, person: User) -> str:
        found = factors_of(person)
        if not found:
            return "None"
        kinds = ", ".join(f"{count} × {WORDS[kind]}" for kind, count in sorted(found.items()))
        address = reverse("second_factor_reset", args=[person.pk])
        return format_html('{} · <a href="{}">Take a lost one away</a>', kinds, address)

    @admin.display(description="name", ordering="last_name")
    def full_name(self, person: User) -> str:
        return person.get_full_name() or "—"

    @admin.display(description="active", boolean=True)
    def active(self, person: User) -> bool:
        return person.is_active

    @admin.display(description="insureds")
    def insureds_held(self, person: User) -> int:
        return Insured.objects.filter(owner=person).count()

    @admin.display(description="password")
    def password_state(self, person: User) -> str:
        if person.has_usable_password():
            return "Set"
        if person.link_made_at is None:
            return "Not set, and no link made"
        return "Not set yet; a link was made"

    @admin.display(description="role")
    def roles(self, person: User) -> str:
        names = [_role_label(group) for group in person.groups.all()]
        if person.is_superuser:
            names.append("Superuser")
        return ", ".join(names) or "None"

    @admin.action(description="Make inactive…", permissions=["change"])
    def deactivate(self, request: HttpRequest, chosen: QuerySet[User]) -> HttpResponse | None:
        """Whoever leaves nothing behind at once; for others a page asks what becomes of it."""
        actor: Any = request.user
        active = [
            each
            for each in chosen.filter(is_active=True)
            if each != request.user and self.has_change_permission(request, each)
        ]
        if len(active) == 1:
            return HttpResponseRedirect(reverse("admin:quotes_user_leave", args=[active[0].pk]))
        done, asks = 0, []
        for person in active:
            if Insured.objects.filter(owner=person).exists():
                asks.append(person.username)
                continue
            try:
                people.deactivate(person=person, actor=actor)
            except (people.NotDone, people.NotMoved) as error:
                self.told(request, str(error), messages.ERROR)
                continue
            self.log_change(request, person, "Made inactive.")
            done += 1
        if asks:
            self.told(
                request,
                f"Still active, since they have insureds: {', '.join(asks)}. Choose them one at a "
                "time, to say to whom the insureds go.",
                messages.WARNING,
            )
        self.told(request, f"{done} made inactive.", messages.SUCCESS if done else messages.INFO)
        return None

    @admin.action(description="Make active again", permissions=["change"])
    def activate(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        actor: Any = request.user
        done = 0
        for person in chosen.filter(is_active=False):
            if not self.has_change_permission(request, person):
                continue
            try:
                people.reactivate(person=person, actor=actor)
            except people.NotDone as error:
                self.told(request, str(error), messages.ERROR)
                continue
            self.log_change(request, person, "Made active.")
            done += 1
        self.told(request, f"{done} made active.", messages.SUCCESS if done else messages.INFO)
