// Creates a self-signed certificate. The browser is configured to accept any, but TLS needs one. Node.js generates keys but
// no certificates, so the few bytes around the key are written here. The key is RSA, which both Firefox and WebKitGTK
// accept.
import { generateKeyPairSync, sign } from "node:crypto";

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const NULL = 0x05;
const OBJECT_IDENTIFIER = 0x06;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;

/**
 * The shortest DER encoding of the length.
 *
 * @param {Buffer} content
 */
const lengthOf = ({ length }) => {
  if (length < 0x80) return [length];
  if (length < 0x100) return [0x81, length];
  return [0x82, length >> 8, length & 0xff];
};

/**
 * @param {number} tag
 * @param {(number[] | string | Buffer)[]} parts
 */
const der = (tag, ...parts) => {
  const content = Buffer.concat(
    parts.map((part) => Buffer.from(/** @type {string} */ (part))),
  );
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content)]), content]);
};

const SHA256_WITH_RSA = der(
  SEQUENCE,
  der(OBJECT_IDENTIFIER, [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]),
  der(NULL),
);
/** The name of both issuer and subject. */
const EMPTY_NAME = der(SEQUENCE);
const VALIDITY = der(
  SEQUENCE,
  der(UTC_TIME, "200101000000Z"),
  der(UTC_TIME, "491231235959Z"),
);

/** The options `{key, cert}` of a TLS server. */
export const createSelfSigned = () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
  });
  const statement = der(
    SEQUENCE,
    der(INTEGER, [1]),
    SHA256_WITH_RSA,
    EMPTY_NAME,
    VALIDITY,
    EMPTY_NAME,
    publicKey.export({ type: "spki", format: "der" }),
  );
  const signature = der(BIT_STRING, [0], sign("sha256", statement, privateKey));
  const certificate = der(SEQUENCE, statement, SHA256_WITH_RSA, signature);
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString("base64")}\n-----END CERTIFICATE-----`,
  };
};
