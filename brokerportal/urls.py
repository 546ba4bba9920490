"""All addresses. Everything needs a signed-in user unless its view says otherwise."""

from django.urls import include, path

from quotes.admin import site
from quotes.views import accounts, errors

handler400 = "quotes.views.errors.bad_request"
handler403 = "quotes.views.errors.forbidden"
handler404 = "quotes.views.errors.not_found"
handler500 = "quotes.views.errors.server_error"

urlpatterns = [
    path("", include("quotes.urls")),
    path("sign-in/", accounts.sign_in, name="account_login"),
    path("sign-out/", accounts.sign_out, name="account_logout"),
    path("admin/login/", accounts.admin_sign_in, name="admin_login"),
    path("admin/logout/", accounts.sign_out, name="admin_logout"),
    path("admin/", site.urls),
    path("healthz", errors.healthz, name="healthz"),
]
