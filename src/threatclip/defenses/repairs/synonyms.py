"""A small lexicon of English words that mean about the same: what pictures show, colors, and what reports tell.

WordNet, which the papers take, comes with no package that brings its data along; this holds the words that captions of
photographs, of weaknesses and of attackers' behavior are made of. A word is looked up without case; where it stands in
two groups, the first counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_GROUPS = """
photo photograph picture image snapshot shot
airplane plane aircraft jet airliner
automobile car auto sedan vehicle
bird songbird fowl
cat kitten kitty feline
deer fawn doe stag
dog puppy hound canine
frog toad
horse pony mare stallion
ship boat vessel
truck lorry
person human individual
people persons folks crowd
man guy gentleman
woman lady
men guys
women ladies
boy lad
girl lass
child kid youngster
children kids
baby infant toddler
bicycle bike cycle
motorcycle motorbike
road street lane
house home building
sea ocean
beach shore seashore coast
water waters
grass lawn meadow
field meadow pasture
hill slope mound
mountain peak
forest woods woodland
tree trees
rock stone boulder
snow snowfall
sky heavens
scene setting view
background backdrop
front foreground
black inky dark
white pale snowy
gray grey silvery
red crimson scarlet
yellow golden lemon
green emerald verdant
blue azure navy
brown tan chestnut
dark dim gloomy shadowy
bright light luminous sunny
small little tiny
big large huge great
old aged ancient
young youthful
new fresh recent
close near nearby
far distant remote
run sprint dash
runs sprints dashes
running sprinting racing jogging
walk stroll
walking strolling striding
jump leap hop
jumps leaps hops
jumping leaping hopping
sit rest
sits rests
sitting seated resting
stand remain
stands remains
standing upright
hold grasp carry
holds grasps carries
holding grasping carrying
wear sport
wearing sporting
look gaze glance
looks gazes glances
looking gazing glancing
seen viewed observed spotted
took made captured snapped
taken made captured
play frolic
plays frolics
playing frolicking
climb scale ascend
climbing scaling ascending
someone somebody
use employ utilize apply
uses employs utilizes applies
used employed utilized applied
using employing utilizing applying
attack assault strike
attacks assaults strikes
attacker adversary intruder
attackers adversaries intruders
adversary attacker opponent
adversaries attackers opponents
threat danger menace
group gang team
actor operator
actors operators
victim target
victims targets
malware trojan implant
virus worm
backdoor implant trapdoor
tool utility program
tools utilities programs
software program application
application app program
file document
files documents
folder directory
directory folder
command instruction order
commands instructions orders
script program
scripts programs
code program
execute run launch perform
executes runs launches performs
executed run launched performed
executing running launching performing
download fetch retrieve
downloads fetches retrieves
downloaded fetched retrieved
upload send transfer
send transmit deliver
sends transmits delivers
sent transmitted delivered
steal exfiltrate pilfer
stole exfiltrated pilfered
stolen exfiltrated pilfered
gather collect harvest
gathers collects harvests
gathered collected harvested
collect gather harvest
collected gathered harvested
create make generate produce
creates makes generates produces
created made generated produced
delete remove erase
deletes removes erases
deleted removed erased
modify change alter edit
modifies changes alters edits
modified changed altered edited
hide conceal mask
hides conceals masks
hidden concealed masked
encrypt encipher
encrypted enciphered
decrypt decipher
password passphrase passcode
passwords passphrases passcodes
credential login
credentials logins
user account
users accounts
account user
administrator admin
privilege permission right
privileges permissions rights
access entry admission
obtain gain acquire get
obtains gains acquires gets
obtained gained acquired got
persist remain continue
persistence permanence
network net
computer machine host
computers machines hosts
system machine computer
systems machines computers
server host
servers hosts
domain realm
message mail
email mail message
link hyperlink url
attachment enclosure
flaw weakness defect bug
vulnerability weakness flaw hole
vulnerabilities weaknesses flaws holes
exploit abuse misuse
exploits abuses misuses
exploited abused misused
allow permit let enable
allows permits lets enables
allowed permitted enabled
remote distant offsite
arbitrary any random
input entry
parameter argument
parameters arguments
inject insert introduce
injection insertion introduction
page site
website site page
request query
response reply answer
crafted forged made
malicious harmful hostile
improper incorrect wrong
incorrect wrong improper
sensitive confidential private
information details facts
version release edition
versions releases editions
earlier prior previous
via through by
several various multiple
multiple several many
often frequently
also additionally too
including such
identify find discover
identified found discovered
find discover locate
known recognized
similar alike comparable
communicate talk correspond
connect link join
connection link
open unlock
start begin launch
starts begins launches
stop halt end
check verify test
scan probe inspect
search seek hunt
contain hold include
contains holds includes
show display present
shows displays presents
"""

_STOP_WORDS = """
i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it its
itself they them their theirs themselves what which who whom this that these those am is are was were be been being have
has had having do does did doing a an the and but if or because as until while of at by for with about against between
into through during before after above below to from up down in out on off over under again further then once here there
when where why how all any both each few more most other some such no nor not only own same so than too very s t can
will just don should now
"""


def _lexicon() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in _GROUPS.strip().splitlines():
        words = line.split()
        for word in words:
            found.setdefault(word, tuple(other for other in words if other != word))
    return found


SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType(_lexicon())
"""Word in lower case -> others that may stand for it, never itself."""

STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Words that synonym replacement leaves alone: NLTK's list, as EDA's code has it."""
