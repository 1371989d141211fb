"""What captions of everyday pictures are made of."""

from __future__ import annotations

from threatclip.defenses.subcaptions.lexicon import THING, Concept, Lexicon, concepts
from threatclip.pairs.image_captions import CIFAR10_NOUNS
from threatclip.pairs.topics import TOPICS

# singular | plural; animals and what one rides in
_THINGS = """
airplane plane jet aircraft | airplanes planes jets
automobile car | automobiles cars + jeep suv taxi sedan ~ vehicle
bird songbird | birds songbirds + seagull seagulls pigeon pigeons goose geese ~ animal duck
cat kitten | cats kittens + kitty ~ animal
deer fawn | deers fawns ~ animal
dog puppy | dogs puppies + hound hounds greyhound greyhounds poodle terrier retriever bulldog labrador husky ~ animal
frog toad | frogs toads ~ animal
horse pony | horses ponies + horseback ~ animal
ship boat vessel | ships boats vessels + sailboat sailboats ~ kayak
truck lorry | trucks lorries ~ vehicle
bicycle bike | bicycles bikes + bmx cyclist cyclists bicyclist bicyclists ~ vehicle biker
motorcycle motorbike | motorcycles motorbikes + dirtbike dirtbikes motocross motorcyclist motorcyclists ~ vehicle biker
biker | bikers
bus | buses ~ vehicle
train | trains
van | vans ~ vehicle automobile
vehicle | vehicles ~ airplane ship train kayak skateboard
skateboard | skateboards + skateboarder skateboarders skateboarding
kayak canoe raft | kayaks canoes rafts + kayaker kayakers kayaking rafting
cow | cows + bull ~ animal
sheep | + goat ~ animal
duck | ducks ~ animal
monkey | monkeys ~ animal
elephant | elephants ~ animal
animal | animals
"""
_PEOPLE = """
man guy | men guys + male gentleman ~ person
woman lady | women ladies + female ~ person
boy | boys ~ child person
girl | girls ~ child person
child kid | children kids + toddler toddlers infant youngster youngsters ~ person baby
baby | babies ~ person
person adult | people persons adults + someone somebody crowd group team family couple
"""
_ITEMS = """
ball | balls + football basketball baseball tennis_ball soccer_ball ~ toy
stick | sticks ~ toy
frisbee | frisbees ~ toy
toy | toys
guitar | guitars
camera | cameras
umbrella | umbrellas
book | books
hat cap | hats caps + helmet
shirt t-shirt | shirts t-shirts
jacket coat | jackets coats
dress | dresses
flag | flags
bag backpack | bags backpacks
rope | ropes
cellphone phone | cellphones phones
bench | benches
table | tables
chair | chairs
fence | fences
"""
_PLACES = """
beach shore + sand seashore ~ ocean water
street road | streets roads + sidewalk crosswalk ~ city
swimming_pool pool | pools ~ water
mountain | mountains + mountaintop cliff ~ hill rock snow
hill | hills
rock | rocks
field meadow | fields meadows ~ grass park
grass lawn | lawns + grassy yard ~ park
snow | + snowy ski skis skier skiers skiing snowboard snowboarder snowboarding sled ~ ice
ice
lake pond river | lakes ponds rivers ~ water
ocean sea | + surf wave waves surfer surfers surfing ~ water
water
forest | forests + woods wooded ~ park tree
tree | trees
playground | playgrounds + swing slide swingset ~ park
park | parks
city town | cities towns
kitchen | kitchens
desert | deserts ~ dirt
dirt mud | + muddy
"""
_SPORTS = """
soccer + soccer_game
american_football + football_game
baseball_game
basketball_game
hockey
tennis
"""
_COLORS = """
black
gray grey
white
red
yellow ~ golden
green
blue
brown + tan ~ golden
orange ~ golden
pink
purple
golden
"""
_HAIR = """
blond blonde
brunette
"""
_LIGHT = """
dark + dim
bright + light sunny
"""
_SIZES = """
small little tiny ~ short
large big huge ~ tall long
tall ~ long
short
long
"""
_AGES = """
young + younger
old elderly + older
"""
_COUNTS = """
one + single lone
two ~ several
three ~ several
four ~ several
five ~ several
several + many various
"""
_STATES = """
wet
dry
"""
_MATERIALS = """
wooden
metal
plastic
concrete + stone brick
"""
# third person | participle | plain
_ACTIONS = """
runs races | running racing | run race + chases chasing chase ~ plays jumps
jumps leaps | jumping leaping | jump leap ~ plays
walks | walking | walk ~ climbs
sits | sitting | sit ~ rides eats watches plays drives reads
stands | standing | stand ~ watches eats holds talks
rides | riding | ride ~ drives
swims | swimming | swim ~ plays
climbs | climbing | climb + climber climbers climbs
sleeps | sleeping | sleep + lies lying laying
eats | eating | eat
drinks | drinking | drink
flies | flying | fly ~ jumps
plays | playing | play
holds carries | holding carrying | hold carry + catches catching
watches | watching | watch + looks looking look seen
drives | driving | drive
talks | talking | talk ~ watches
reads | reading | read
dances | dancing | dance ~ jumps
wears | wearing | wear + dressed
"""
_PREPOSITIONS = """
on | + onto upon atop on_top_of ~ in above at beside
in | + inside into within ~ at through among
under | + below beneath underneath ~ in
above | + over ~ at
beside | + near by next_to alongside along ~ at in_front_of behind with among
behind ~ at
in_front_of ~ at
at
through | + across
among | + amid between ~ with
with
without ~ under above beside behind in on at
"""
_FUNCTIONS = frozenset(
    "a an the this that these those there here is are was were be been being has have had do does did and or but of "
    "to from for as it its his her hers their him them he she they who which what while where when very up down out "
    "off some any all both each another other one's by itself himself herself s".split()
)
_FRAMES = tuple(
    "a photo of|a picture of|an image of|a small photo of|someone took a picture of|took a picture of|a photograph of"
    "|photo of|picture of|image of|small photo of|photo|picture|image|photograph|small photo|someone took|took"
    "|this is|there is|there are|seen up close|up close|close".split("|")
)


def picture_lexicon() -> Lexicon:
    """Return the lexicon of captions of pictures; its classes are those of CIFAR-10 and of `pairs.topics`."""
    classes = {name: frozenset(nouns) for name, nouns in CIFAR10_NOUNS.items()}
    for topic in TOPICS:
        classes[topic.name] = classes.get(topic.name, frozenset()) | topic.words
    return Lexicon(concepts=_concepts(), functions=_FUNCTIONS, frames=_FRAMES, classes=classes)


def _concepts() -> tuple[Concept, ...]:
    return (
        *concepts("object", THING, _THINGS),
        *concepts("object", "person", _PEOPLE),
        *concepts("object", "item", _ITEMS),
        *concepts("object", "place", _PLACES),
        *concepts("object", "sport", _SPORTS),
        *concepts("attribute", "color", _COLORS),
        *concepts("attribute", "hair", _HAIR),
        *concepts("attribute", "light", _LIGHT),
        *concepts("attribute", "size", _SIZES),
        *concepts("attribute", "age", _AGES),
        *concepts("attribute", "count", _COUNTS),
        *concepts("attribute", "state", _STATES),
        *concepts("attribute", "material", _MATERIALS),
        *concepts("relation", "action", _ACTIONS),
        *concepts("relation", "preposition", _PREPOSITIONS),
    )
