# Draws two lines over the number of services or listeners, with the least and the most as error bars.
# Variables: data (a file), title. Each row of data is the number; median, least and most of the
# connections a second; and the same of the microseconds to the first byte.
set terminal svg size 900,380 dynamic background rgb 'white' font 'sans-serif,13'
set datafile separator tab
set datafile missing '?'
set title title
set logscale x
set grid ytics linecolor rgb '#dddddd'
set border 11
set tics nomirror
set yrange [0:*]
set y2range [0:*]
set y2tics
set ylabel 'connections a second, 32 at once'
set y2label 'µs to the first byte, one at a time'
set xrange [0.8:*]
set key bottom left samplen 2
plot data using 1:2:3:4 with yerrorlines linewidth 2 linecolor rgb '#1f4e79' title 'connections a second', \
    data using 1:5:6:7 axes x1y2 with yerrorlines linewidth 2 linecolor rgb '#e59866' title 'µs to the first byte'
