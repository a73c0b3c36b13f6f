#!/bin/sh
# Creates both databases of Temporal or brings them to the version of this image. Connection from SQL_*. Safe to repeat.
set -eu

bring_up_to_date() { # database, folder of its schema in the image
  echo "schema of $1"
  temporal-sql-tool --db "$1" create-database
  temporal-sql-tool --db "$1" setup-schema -v 0.0
  temporal-sql-tool --db "$1" update-schema --schema-name "postgresql/v12/$2"
}

bring_up_to_date temporal temporal
bring_up_to_date temporal_visibility visibility
