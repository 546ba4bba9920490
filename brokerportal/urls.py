"""All addresses. Everything needs a signed-in user unless its view says otherwise."""

from django.urls import include, path

from quotes.admin import site
from quotes.views import accounts, errors, own_sessions, passwords
from quotes.views.second_factor import codes, confirm, door, pages, reset

handler400 = "quotes.views.errors.bad_request"
handler403 = "quotes.views.errors.forbidden"
handler404 = "quotes.views.errors.not_found"
handler500 = "quotes.views.errors.server_error"

urlpatterns = [
    path("", include("quotes.urls")),
    path("sign-in/", accounts.sign_in, name="account_login"),
    path("sign-out/", accounts.sign_out, name="account_logout"),
    path("sign-in/forgot/", passwords.forgot, name="password_forgot"),
    path("sign-in/link/<uidb64>/<token>/", passwords.set_by_link, name="password_link"),
    path("account/password/", passwords.change, name="password_change_own"),
    # Second factor, by the names that allauth knows its pages by.
    path("sign-in/code/", door.code, name="mfa_authenticate"),
    path("account/second-factor/", pages.index, name="mfa_index"),
    path("account/second-factor/app/", pages.set_up_app, name="mfa_activate_totp"),
    path("account/second-factor/app/remove/", pages.remove_app, name="mfa_deactivate_totp"),
    path("account/second-factor/passkey/", pages.add_passkey, name="mfa_add_webauthn"),
    path(
        "account/second-factor/passkey/<int:pk>/remove/",
        pages.remove_passkey,
        name="mfa_remove_webauthn",
    ),
    path("account/second-factor/codes/", codes.codes, name="mfa_view_recovery_codes"),
    path("account/second-factor/codes/new/", codes.new_codes, name="mfa_generate_recovery_codes"),
    path(
        "account/second-factor/codes/download/",
        codes.download,
        name="mfa_download_recovery_codes",
    ),
    path("account/confirm/", confirm.password_again, name="account_reauthenticate"),
    path("account/confirm/code/", confirm.confirm_code, name="mfa_reauthenticate"),
    path("account/confirm/passkey/", confirm.confirm_passkey, name="mfa_reauthenticate_webauthn"),
    path("account/sessions/", own_sessions.own_sessions, name="own_sessions"),
    path("account/sessions/end/", own_sessions.end_others, name="own_sessions_end"),
    path("account/session/", own_sessions.session_left, name="session_left"),
    path("account/session/stay/", own_sessions.session_stay, name="session_stay"),
    path("people/<int:pk>/sessions/", own_sessions.end_of_person, name="sessions_of_person"),
    path("people/<int:pk>/second-factor/", reset.take_away, name="second_factor_reset"),
    path("admin/login/", accounts.admin_sign_in, name="admin_login"),
    path("admin/logout/", accounts.sign_out, name="admin_logout"),
    path("admin/", site.urls),
    path("healthz", errors.healthz, name="healthz"),
    path("readyz", errors.readyz, name="readyz"),
]
