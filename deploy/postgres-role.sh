#!/bin/sh
# Run once, when PostgreSQL's container makes its database: the role that web and worker use. What
# it may do is given by `manage.py app_role portal_app`.
set -eu
psql --set ON_ERROR_STOP=1 --set password="$(cat /run/secrets/PORTAL_APP_PASSWORD)" \
  --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE portal_app LOGIN PASSWORD :'password';
SQL
