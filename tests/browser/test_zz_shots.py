import pytest
from tests.test_second_factor import code_of
from tests.browser.test_second_factor import give_password, required
from tests.browser.conftest import *
from tests.conftest import *
pytestmark=[pytest.mark.django_db(transaction=True)]
@pytest.mark.parametrize(("scheme","width"),[("light",1440),("dark",1440),("dark",360)])
def test_shots(page, live_server, people, required, scheme, width):
    page.emulate_media(color_scheme=scheme); page.set_viewport_size({"width":width,"height":900})
    n=[0]
    def shot(name): page.screenshot(path=f"/tmp/shots/{name}-{scheme}-{width}.png", full_page=True)
    server=live_server.url.replace("127.0.0.1","localhost")
    give_password(page, server); shot("1index")
    page.get_by_role("link", name="Set up an authenticator app").click(); shot("2app")
    page.get_by_text("No camera?").click()
    key=page.locator("#totp-key").inner_text().replace(" ","")
    page.get_by_label("The six digits").fill(code_of(key)); page.get_by_role("button",name="Set it up").click()
    page.locator(".codes").wait_for(); shot("3codes")
    page.get_by_role("button",name="I have saved").click()
    page.goto(server+"/account/second-factor/"); shot("4index")
    page.goto(server+"/account/second-factor/passkey/"); shot("5passkey")
    page.context.clear_cookies(); give_password(page, server); shot("6code")
