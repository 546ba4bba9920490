"""The app's addresses. Ids are opaque; nothing personal stands in one."""

from django.urls import path

from quotes.views import (
    attachments,
    comparisons,
    grid,
    imports,
    insureds,
    quotes,
    renewals,
    review,
    runs,
    worklist,
)

app_name = "quotes"
urlpatterns = [
    path("", worklist.worklist, name="worklist"),
    path("insureds/", insureds.insured_list, name="insured_list"),
    path("insureds/search/", insureds.insured_search, name="insured_search"),
    path("insureds/new/", insureds.insured_create, name="insured_create"),
    path("insureds/row/<slug:kind>/", insureds.insured_form_row, name="insured_form_row"),
    path("insureds/<uuid:pk>/", insureds.insured_detail, name="insured_detail"),
    path("insureds/<uuid:pk>/edit/", insureds.insured_edit, name="insured_edit"),
    path("insureds/<uuid:pk>/grid/", grid.grid, name="grid"),
    path("insureds/<uuid:pk>/grid/paste/", grid.grid_paste, name="grid_paste"),
    path("insureds/<uuid:pk>/grid/save/", grid.grid_save, name="insured_grid_save"),
    path("insureds/<uuid:pk>/quotes/new/", quotes.quote_create, name="quote_create"),
    path("insureds/<uuid:pk>/compare/", comparisons.run_start, name="run_start"),
    path("insureds/<uuid:pk>/readiness/", insureds.readiness, name="readiness"),
    path("insureds/<uuid:pk>/renew/", renewals.insured_renew, name="insured_renew"),
    path("quotes/<uuid:pk>/copy/", renewals.quote_copy, name="quote_copy"),
    path("insureds/<uuid:pk>/attachments/", attachments.attachment_add, name="attachment_add"),
    path("attachments/<uuid:pk>/", attachments.attachment_download, name="attachment_download"),
    path("attachments/<uuid:pk>/delete/", attachments.attachment_delete, name="attachment_delete"),
    path("quotes/read-detail/", quotes.read_detail, name="read_detail"),
    path("quotes/<uuid:pk>/", quotes.quote_detail, name="quote_detail"),
    path("quotes/<uuid:pk>/edit/", quotes.quote_edit, name="quote_edit"),
    path("quotes/<uuid:pk>/delete/", quotes.quote_delete, name="quote_delete"),
    path("import/", imports.import_new, name="import_new"),
    path("import/template.<slug:kind>", imports.import_template, name="import_template"),
    path("import/<uuid:pk>/", imports.import_preview, name="import_preview"),
    path("runs/", review.run_list, name="run_list"),
    path("runs/search/", review.run_search, name="run_search"),
    path("runs/<uuid:pk>/", runs.run_detail, name="run_detail"),
    path("runs/<uuid:pk>/status/", runs.run_status, name="run_status"),
    path("runs/<uuid:pk>/abandon/", runs.run_abandon, name="run_abandon"),
    path("runs/<uuid:pk>/resubmit/", runs.run_resubmit, name="run_resubmit"),
    path("runs/<uuid:pk>/link/", runs.run_link, name="run_link"),
    path("runs/<uuid:pk>/resume/", runs.run_resume, name="run_resume"),
    path("runs/<uuid:pk>/send-again/", runs.run_send_again, name="run_send_again"),
]
