//! The table of user data: the fields of `init`'s `user`, and what each is on the wire.

use crate::host::IdentifierKind;
use crate::mem::{ThinStr, thin};

/// A field of `user`.
#[derive(Debug)]
pub struct UserField {
    /// Its key on the wire.
    pub wire_key: ThinStr<'static>,
    /// Its name in `user`.
    pub name: ThinStr<'static>,
    /// How its values are normalized.
    pub kind: IdentifierKind,
}

macro_rules! fields {
    ($($wire_key:literal $name:literal $kind:ident)*) => {
        [$(UserField {
            wire_key: thin!($wire_key),
            name: thin!($name),
            kind: IdentifierKind::$kind,
        }),*]
    };
}

/// All fields, in the order of the wire. `zip_code` is an alias of `postal_code`.
pub static USER_FIELDS: [UserField; 9] = fields! {
    "eid" "external_id_sha256" ExternalId
    "co" "country" Plain
    "ct" "city" Plain
    "rg" "region" Plain
    "pc" "postal_code" Plain
    "em" "email_sha256" Email
    "ph" "phone_number_sha256" Phone
    "fn" "first_name_sha256" PersonName
    "ln" "last_name_sha256" PersonName
};
