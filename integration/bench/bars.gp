# Draws groups of bars, with the least and the most as error bars. Variables: data (a file), title, headings
# (words, with ~ for a blank). Each row of data is a name and, for each heading, median, least and most.
set terminal svg size 900,420 dynamic background rgb 'white' font 'sans-serif,13'
set datafile separator tab
set datafile missing '?'
set title title
set style data histograms
set style histogram errorbars gap 1 linewidth 1
set style fill solid 0.85 noborder
set errorbars small linecolor rgb '#333333'
set boxwidth 0.9
set grid ytics linecolor rgb '#dddddd'
set border 3
set tics nomirror
set xtics rotate by -30
set yrange [0:*]
set key top right reverse Left samplen 1
set linetype 1 linecolor rgb '#1f4e79'
set linetype 2 linecolor rgb '#4a90c4'
set linetype 3 linecolor rgb '#a9cce3'
set linetype 4 linecolor rgb '#e59866'
heading(i) = system("echo '".word(headings, i)."' | tr '~' ' '")
plot for [i = 1:words(headings)] data using (column(3 * i - 1)):(column(3 * i)):(column(3 * i + 1)):xtic(1) \
    title heading(i) linetype i
