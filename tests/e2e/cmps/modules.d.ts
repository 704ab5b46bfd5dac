// What has no types: modules that esbuild bundles for the tests.
declare module "*.css" {
  const text: string;
  export default text;
}
declare module "klaro";
declare module "@iabtcf/stub";
declare module "uglify-js";
