// A certificate that signs itself. The browser is told to accept any, but TLS does not go without one. Node.js makes
// keys and no certificates, so the few bytes around the key are written here.
import { generateKeyPairSync, sign } from "node:crypto";

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OBJECT_IDENTIFIER = 0x06;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;

/** In as few bytes as it can be written. */
const lengthOf = ({ length }) => {
  if (length < 0x80) return [length];
  if (length < 0x100) return [0x81, length];
  return [0x82, length >> 8, length & 0xff];
};

const der = (tag, ...parts) => {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content)]), content]);
};

const ECDSA_WITH_SHA256 = der(
  SEQUENCE,
  der(OBJECT_IDENTIFIER, [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]),
);
const NOBODY = der(SEQUENCE);
const ALWAYS = der(
  SEQUENCE,
  der(UTC_TIME, "200101000000Z"),
  der(UTC_TIME, "491231235959Z"),
);

/** `{key, cert}`, as a TLS server takes them. */
export const selfSigned = () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
  });
  const statement = der(
    SEQUENCE,
    der(INTEGER, [1]),
    ECDSA_WITH_SHA256,
    NOBODY,
    ALWAYS,
    NOBODY,
    publicKey.export({ type: "spki", format: "der" }),
  );
  const signature = der(BIT_STRING, [0], sign("sha256", statement, privateKey));
  const certificate = der(SEQUENCE, statement, ECDSA_WITH_SHA256, signature);
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString("base64")}\n-----END CERTIFICATE-----`,
  };
};
