// What a page has of its consent manager before that has loaded: IAB's own stub.
import stub from "@iabtcf/stub";

stub();
