"""Django's settings. Whatever differs between installations comes from the environment."""

from __future__ import annotations

from typing import Any

import dj_database_url
from csp.constants import NONE, SELF

from brokerportal.environment import BASE_DIR, Hidden, read_environment
from brokerportal.logs import logging_config

ENV = read_environment()

PRODUCTION = ENV.production
DEBUG = ENV.DEBUG
SECRET_KEY = Hidden(ENV.secret_key())
# The key before this one: what was signed and encrypted with it is still read, so that a new key
# ends no session and leaves everybody their second factor.
SECRET_KEY_FALLBACKS = [Hidden(old)] if (old := ENV.SECRET_KEY_BEFORE.get_secret_value()) else []
# What of a household's data is sealed in the database: the first key seals, all of them open.
DATA_KEYS = [Hidden(key) for key in ENV.data_keys()]
ALLOWED_HOSTS = ENV.ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = ENV.CSRF_TRUSTED_ORIGINS
ROOT_URLCONF = "brokerportal.urls"
WSGI_APPLICATION = "brokerportal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "localflavor",
    "django_q",
    "quotes",
]

MIDDLEWARE = [
    "brokerportal.stack_room.StackRoomMiddleware",
    "brokerportal.middleware.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # Above what says how a page may be used: a stylesheet needs no policy of a kilobyte.
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "brokerportal.middleware.PrivatePagesMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "brokerportal.middleware.KnownMethodsMiddleware",
    "brokerportal.middleware.CompressPagesMiddleware",
    "brokerportal.middleware.MonitorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "brokerportal.session_limits.SessionLimitsMiddleware",
    "brokerportal.middleware.LargestRequestMiddleware",
    "brokerportal.middleware.SignInRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "brokerportal.middleware.FormsAddressMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "brokerportal.second_factor.SecondFactorMiddleware",
    "brokerportal.access_log.AccessLogMiddleware",
    "brokerportal.sealed_data.SealedDataMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "quotes.views.context.service",
            ],
        },
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates" / "jinja"],
        "NAME": "jinja",
        "OPTIONS": {"environment": "brokerportal.compiled_templates.environment"},
    },
]
FORM_RENDERER = "brokerportal.form_renderer.FormRenderer"

# Database -----------------------------------------------------------------------------------

database_url = ENV.DATABASE_URL.get_secret_value()
if not database_url:
    ENV.DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(
        database_url or f"sqlite:///{ENV.DATA_DIR / 'brokerportal.sqlite3'}",
        conn_max_age=60,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A read that turns into a write cannot wait for a lock in SQLite, so every transaction
    # takes the write lock at its beginning; WAL lets readers go on meanwhile. What is deleted or
    # sealed anew is overwritten in the file, which is the default of some builds only. The cache
    # is 16 MB a connection: SQLite's own 2 MB read a large agency's indexes again for each page.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
        "PRAGMA secure_delete=ON; PRAGMA cache_size=-16000;",
    }
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # A host that vanishes without a word must become an error soon, not a thread that hangs.
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        connect_timeout=5,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=15_000,
    )
DATABASES["default"]["ATOMIC_REQUESTS"] = False
# A web process shares its connections among its threads (wsgi.py); a thread never needs two.
DATABASE_POOL = ENV.DATABASE_POOL or ENV.WEB_THREADS
DATABASES["default"]["PASSWORD"] = Hidden(DATABASES["default"]["PASSWORD"])

# Sign-in attempts are counted in the cache, for all web processes together. The queue keeps its
# own figures, which nobody reads and which are written twice a second, in memory.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        # Entries are thrown out when there are more: nobody may push a count out with others.
        "OPTIONS": {"MAX_ENTRIES": 50_000},
    },
    "queue": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "queue"},
}

# The queue ----------------------------------------------------------------------------------

Q_CLUSTER = {
    "name": "brokerportal",
    "orm": "default",
    "cache": "queue",
    "workers": 2,
    "queue_limit": 1,
    "bulk": 1,
    "poll": 0.2,
    # A watcher ends by itself after five minutes; redelivery of one that is late is harmless,
    # since only one watcher runs in a worker, and runs are claimed by lease.
    "timeout": 420,
    "retry": 600,
    "max_attempts": 1,
    "save_limit": -1,
    "label": "Queue",
    "catch_up": False,
    "scheduler": False,
}

QUEUE_URL = Hidden(ENV.QUEUE_URL.get_secret_value())
if QUEUE_URL:
    Q_CLUSTER["broker_class"] = "quotes.services.redis_hints.RedisHints"

# Nexio --------------------------------------------------------------------------------------

NEXIO_URL = ENV.nexio_url
NEXIO_KEY = Hidden(ENV.nexio_key)
NEXIO_IS_SANDBOX = ENV.uses_sandbox
DEMO_ACCOUNTS = ENV.uses_sandbox and not ENV.production
WATCH_CONCURRENCY = ENV.WORKER_POLL_CONCURRENCY
SUBMITS_PER_SECOND = ENV.NEXIO_SUBMITS_PER_SECOND
SANDBOX_PORT = ENV.SANDBOX_PORT
SANDBOX_SECONDS = ENV.SANDBOX_SECONDS
WEB_PORT = ENV.PORT
WEB_THREADS = ENV.WEB_THREADS
DATA_DIR = ENV.DATA_DIR
ATTACHMENTS_DIR = ENV.DATA_DIR / "attachments"

# The agency as its proposals name it -----------------------------------------------------------

AGENCY_NAME = ENV.AGENCY_NAME
AGENCY_ADDRESS = ENV.AGENCY_ADDRESS
AGENCY_PHONE = ENV.AGENCY_PHONE
AGENCY_LOGO = ENV.AGENCY_LOGO

# Mail: notices, where a server is named ---------------------------------------------------------

MAIL = ENV.mail
MAIL_ON = MAIL is not None
MAIL_FROM = DEFAULT_FROM_EMAIL = SERVER_EMAIL = ENV.MAIL_FROM or "portal@localhost"
PORTAL_URL = ENV.PORTAL_URL
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if MAIL_ON else 'dummy'}.EmailBackend"
EMAIL_TIMEOUT = 15
if MAIL is not None:
    EMAIL_HOST, EMAIL_PORT = MAIL.host, MAIL.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL.user, Hidden(MAIL.password)
    EMAIL_USE_TLS, EMAIL_USE_SSL = MAIL.use_tls, MAIL.use_ssl

# Retention ------------------------------------------------------------------------------------

RETENTION_YEARS = ENV.RETENTION_YEARS

# Sign-in ------------------------------------------------------------------------------------

AUTH_USER_MODEL = "quotes.User"
AUTHENTICATION_BACKENDS = ["quotes.views.accounts.AccountBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "quotes:worklist"
ACCOUNT_ADAPTER = "quotes.views.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_PREVENT_ENUMERATION = True
# How often passwords and codes may be tried is in quotes.views.sign_in_limits: allauth counts by
# account and by address alone, and whoever shares either could hold others back.
ACCOUNT_RATE_LIMITS = {
    "login": "",
    "login_failed": "",
    "reset_password": "5/10m/key,20/m/ip",
    "change_password": "5/m/user",
    "reauthenticate": "10/m/user",
}
# Admins make the accounts and know whose they are, so no address needs to be proven first.
SECOND_FACTOR = ENV.second_factor
MFA_ADAPTER = "quotes.views.second_factor.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = ENV.AGENCY_NAME or "Broker portal"
MFA_TOTP_TOLERANCE = 1  # a code typed as it changes, or a telephone half a minute off
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODE_DIGITS = 10
PASSWORD_RESET_TIMEOUT = ENV.PASSWORD_LINK_DAYS * 24 * 3600
ALLAUTH_TRUSTED_PROXY_COUNT = int(ENV.TRUST_FORWARDED_PROTO)
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
SESSION_ENGINE = "brokerportal.sessions"
SESSION_IDLE_MINUTES, SESSION_HOURS = ENV.SESSION_IDLE_MINUTES, ENV.SESSION_HOURS
SESSION_COOKIE_AGE = SESSION_HOURS * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = False
CSRF_FAILURE_VIEW = "quotes.views.errors.csrf_failure"

# What a browser may do with our pages --------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
        "manifest-src": [SELF],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: []
    for name in (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope",
        "magnetometer", "microphone", "midi", "payment", "usb",
    )
}  # fmt: skip
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 6 * 1024 * 1024
LARGEST_UPLOAD = 105 * 1024 * 1024  # five attachments of the largest size at once
DATA_UPLOAD_MAX_NUMBER_FIELDS = 4000

if ENV.production:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
if ENV.TRUST_FORWARDED_PROTO:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Language, time, static files, logs ----------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = ENV.OFFICE_TIME_ZONE
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "brokerportal.static_files.BundlingStorage"
        if ENV.production
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not ENV.production
WHITENOISE_AUTOREFRESH = not ENV.production

LOGGING_CONFIG = None
logging_config(level=ENV.LOG_LEVEL, as_json=ENV.production)
