#!/bin/sh
# Creates both databases of Temporal or brings them to the version of this image. Connection from SQL_*. Safe to repeat.
set -eu

bring_up_to_date() { # database, folder of its schema in the image
  echo "schema of $1"
  temporal-sql-tool --db "$1" create-database &&
    temporal-sql-tool --db "$1" setup-schema -v 0.0 &&
    temporal-sql-tool --db "$1" update-schema --schema-name "postgresql/v12/$2"
}

# Its own words for a wrong password are "no usable database connection found".
give_up() {
  echo "The schema of $1 could not be brought up to date. Is POSTGRES_PASSWORD in .env the one of the first start?" >&2
  echo "The database keeps that one. To give it another: docs/temporal-server.md, Another password." >&2
  exit 1
}

bring_up_to_date temporal temporal || give_up temporal
bring_up_to_date temporal_visibility visibility || give_up temporal_visibility
