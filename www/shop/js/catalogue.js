/**
 * Everything the shop sells. `price` is in cents, see money.js. `shelf` says where the list shows a
 * piece, `backdrop` the colour behind its picture.
 */
export const products = [
  {
    id: "tide-mug",
    name: "Tide mug",
    price: 2650,
    shelf: "table",
    backdrop: "sea",
    alt: "Mug with a sea-green upper half and a deep petrol lower half, parted by a wavy pale line",
    summary: "Two glazes, one wavy line",
    description:
      "The first piece we made, and the one that named us. Each mug is dipped twice, by hand, so the line where sea meets petrol never falls the same way again.",
    facts: {
      Holds: "300 ml",
      Size: "9 cm wide, 10 cm high",
      Glaze: "Shallow and deep water",
    },
  },
  {
    id: "pebble-bowl",
    name: "Pebble bowl",
    price: 3400,
    shelf: "table",
    backdrop: "sand",
    alt: "Wide white speckled bowl on a small foot, with a pool of dark blue glaze inside",
    summary: "A pool at the bottom of breakfast",
    description:
      "Chalk-white outside, freckled with iron from the clay. Inside, the glaze gathers into a pool that you meet again each time the bowl is empty.",
    facts: {
      Holds: "700 ml",
      Size: "18 cm wide, 8 cm high",
      Glaze: "Chalk, with a petrol pool",
    },
  },
  {
    id: "dune-plates",
    name: "Dune plates, set of three",
    price: 7200,
    shelf: "table",
    backdrop: "fog",
    alt: "Stack of three sand-coloured plates, the top one dipped halfway into petrol glaze",
    summary: "Dipped halfway, stacked neatly",
    description:
      "Three plates for every day, thrown a little thicker at the rim so that they forgive a busy sink. Each is dipped at its own angle; together they look like a shoreline.",
    facts: {
      Holds: "A proper dinner",
      Size: "26 cm wide each",
      Glaze: "Sand and petrol",
    },
  },
  {
    id: "gull-cups",
    name: "Gull cups, pair",
    price: 3200,
    shelf: "table",
    backdrop: "shell",
    alt: "Two small cups without handles, one white over slate grey, one fog blue over white",
    summary: "Small, round, always two",
    description:
      "Two small tumblers in each other's colours. Made for espresso, borrowed for everything else: a soft egg, a nightcap, the first snowdrops.",
    facts: {
      Holds: "110 ml each",
      Size: "7 cm wide, 7 cm high",
      Glaze: "Chalk, slate and fog",
    },
  },
  {
    id: "harbour-teapot",
    name: "Harbour teapot",
    price: 8900,
    shelf: "house",
    backdrop: "shell",
    alt: "Round petrol-blue teapot with a high handle of wrapped cane and a pale knob on its lid",
    summary: "Pours clean, stays warm",
    description:
      "A round pot with walls thick enough for a second cup, and a spout cut sharp so that it does not drip. The cane handle is wrapped by a basket maker two doors down.",
    facts: {
      Holds: "1.1 litres",
      Size: "24 cm with its spout",
      Glaze: "Deep water, foam at the foot",
    },
  },
  {
    id: "sluice-jug",
    name: "Sluice jug",
    price: 4800,
    shelf: "house",
    backdrop: "fog",
    alt: "Tall white jug with a pulled spout and a large handle, its lower third glazed grey-blue",
    summary: "One finger made the spout",
    description:
      "The lip is pulled with one wet finger while the clay is still moving. It takes a litre of water, or the whole of a market-day bunch of flowers.",
    facts: {
      Holds: "1.2 litres",
      Size: "15 cm wide, 24 cm high",
      Glaze: "Chalk over grey-blue",
    },
  },
  {
    id: "reed-vase",
    name: "Reed vase",
    price: 5490,
    shelf: "house",
    backdrop: "sand",
    alt: "Round kelp-green vase with a narrow neck, holding bulrushes and dry grasses",
    summary: "Stands well in the wind",
    description:
      "A low belly and a narrow neck: three stems are enough, and they stay where you put them. Glazed inside, so it holds fresh water as well as dry grass.",
    facts: {
      Holds: "Three stems, or nine",
      Size: "16 cm wide, 18 cm high",
      Glaze: "Kelp over sand",
    },
  },
  {
    id: "buoy-jar",
    name: "Buoy jar",
    price: 4250,
    shelf: "house",
    backdrop: "sea",
    alt: "Orange-red jar with a broad white band and a lid with a white knob, like a harbour buoy",
    summary: "Finds its way back to the shelf",
    description:
      "Bright enough to be seen from the far side of the kitchen. The lid sits in a ground gallery and keeps coffee, salt or biscuits as dry as a cupboard can.",
    facts: {
      Holds: "1 litre",
      Size: "14 cm wide, 17 cm high",
      Glaze: "Buoy red and chalk",
    },
  },
];

export const findProduct = (id) =>
  products.find((product) => product.id === id);

export const imageOf = ({ id }) => `images/${id}.svg`;
export const pageOf = ({ id }) => `product.html?id=${id}`;
